/** Wire objects for tests: name what matters, the rest is ordinary. */

import type { Account, Fill, Instrument, Order, Position, Preview, Quote } from '../api/types'

export const accountId = '5f0c4c62-4d2c-5d4a-9b7e-0b8f5a4e2f10'
export const time = '2026-11-20T10:46:00.000000000Z'

export function anAccount(of: Partial<Account> = {}): Account {
  return {
    id: accountId,
    name: 'Main',
    kind: 'cash',
    currency: 'USD',
    cash: '100000.00',
    equity: '100000.00',
    buying_power: '100000.00',
    unrealized_pl: '0.00',
    realized_pl: '0.00',
    status: 'active',
    as_of_seq: 1,
    ...of,
  }
}

export function anOrder(of: Partial<Order> = {}): Order {
  return {
    id: 'order-1',
    account_id: accountId,
    client_order_id: 'mine-1',
    symbol: 'AAPL',
    side: 'buy',
    type: 'limit',
    time_in_force: 'day',
    qty: '10',
    filled_qty: '0',
    filled_avg_price: null,
    limit_price: '190.50',
    stop_price: null,
    status: 'new',
    reason: null,
    created_at: time,
    updated_at: time,
    as_of_seq: 1,
    ...of,
  }
}

export function aFill(of: Partial<Fill> = {}): Fill {
  return {
    id: 'fill-1',
    order_id: 'order-1',
    account_id: accountId,
    symbol: 'AAPL',
    side: 'buy',
    price: '190.50',
    qty: '10',
    notional: '1905.00',
    fee: '0.05',
    liquidity: 'taker',
    counterparty: 'house',
    realized_pl: '0.00',
    time,
    seq: 1,
    ...of,
  }
}

export function aPosition(of: Partial<Position> = {}): Position {
  return {
    symbol: 'AAPL',
    qty: '10',
    avg_entry_price: '190.50',
    market_value: '1905.00',
    cost_basis: '1905.00',
    unrealized_pl: '0.00',
    current_price: '190.50',
    side: 'long',
    ...of,
  }
}

export function aQuote(of: Partial<Quote> = {}): Quote {
  return {
    symbol: 'AAPL',
    bid: '190.49',
    ask: '190.51',
    bid_size: '100',
    ask_size: '200',
    last: '190.50',
    time,
    ...of,
  }
}

export function anInstrument(of: Partial<Instrument> = {}): Instrument {
  return {
    symbol: 'AAPL',
    name: 'Apple Inc.',
    asset_class: 'us_equity',
    exchange: 'XNAS',
    sector: 'Technology',
    currency: 'USD',
    tick_size: '0.01',
    lot_size: '1',
    status: 'active',
    ...of,
  }
}

export function aPreview(of: Partial<Preview> = {}): Preview {
  return {
    cost: '190.51',
    fees: '0.005',
    buying_power_after: '99809.485',
    expected_slippage: '0.01',
    rejections: [],
    warnings: [],
    ...of,
  }
}
