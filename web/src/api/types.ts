/** The wire shapes of docs and OpenAPI, by the names the desk uses. */

export type Side = 'buy' | 'sell'
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit'
export type TimeInForce = 'day' | 'gtc' | 'ioc' | 'fok'
export type OrderStatus =
  | 'pending_new'
  | 'new'
  | 'partially_filled'
  | 'filled'
  | 'canceled'
  | 'expired'
  | 'replaced'
  | 'rejected'
  | 'held'
  | 'done_for_day'

export interface Account {
  id: string
  name?: string
  kind: string
  currency: string
  cash: string
  equity: string
  buying_power: string
  unrealized_pl: string
  realized_pl: string
  status: string
  as_of_seq: number
}

export interface Position {
  symbol: string
  qty: string
  avg_entry_price: string
  market_value: string | null
  cost_basis: string
  unrealized_pl: string | null
  current_price: string | null
  side: string
}

export interface Order {
  id: string
  account_id: string
  client_order_id: string
  symbol: string
  side: Side
  type: OrderType
  time_in_force: TimeInForce
  qty: string
  filled_qty: string
  filled_avg_price: string | null
  limit_price: string | null
  stop_price: string | null
  status: OrderStatus
  reason: string | null
  created_at: string
  updated_at: string
  as_of_seq: number
}

export interface Fill {
  id: string
  order_id: string
  account_id: string
  symbol: string
  side: Side
  price: string
  qty: string
  notional: string
  fee: string
  liquidity: string
  counterparty: string
  realized_pl: string
  time: string
  seq: number
}

export interface Quote {
  symbol: string
  bid: string | null
  ask: string | null
  bid_size: string | null
  ask_size: string | null
  last: string | null
  time: string | null
}

/** [price, quantity, number of orders] */
export type Level = [string, string, number]

export interface Book {
  symbol: string
  bids: Level[]
  asks: Level[]
}

export interface Print {
  symbol: string
  time: string
  price: string
  qty: string
  side: Side | null
}

export interface Bar {
  time: string
  open: string
  high: string
  low: string
  close: string
  volume: string
}

export interface Instrument {
  symbol: string
  name: string
  asset_class: string
  exchange: string
  sector: string | null
  currency: string
  tick_size: string
  lot_size: string
  status: string
}
