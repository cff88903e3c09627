/** The routes that the desk uses, each a function. Errors are thrown as `Problem`. */

import { request } from './request'
import type {
  Account,
  Bar,
  Fill,
  Instrument,
  Order,
  OrderStatus,
  Position,
  Side,
  OrderType,
  TimeInForce,
} from './types'

export interface Page<Item> {
  items: Item[]
  next_cursor?: string | null
}

export interface OrderRequest {
  account_id: string
  symbol: string
  side: Side
  type: OrderType
  qty: string
  limit_price?: string
  stop_price?: string
  time_in_force: TimeInForce
  client_order_id?: string
}

export interface Verdict {
  reason: string
  detail: string
  field?: string | null
  value?: string | null
  limit?: string | null
}

export interface Preview {
  cost: string | null
  fees: string | null
  buying_power_after: string | null
  expected_slippage: string | null
  rejections: Verdict[]
  warnings: Verdict[]
}

export interface EquityPoint {
  time: string
  equity: string
  cash: string
}

export interface Demo {
  enabled: boolean
  username: string
  password: string
}

export type Timeframe = '1m' | '5m' | '15m' | '1h' | '1d'
export type { OrderStatus }

export const exchange = {
  demo: () => request<Demo>('GET', '/demo'),
  register: (username: string, password: string) =>
    request<unknown>('POST', '/auth/register', { body: { username, password } }),
  login: (username: string, password: string) =>
    request<{ access_token: string }>('POST', '/auth/login', { body: { username, password } }),
  me: () => request<{ username: string }>('GET', '/me'),
  accounts: () => request<Page<Account>>('GET', '/accounts'),
  account: (id: string) => request<Account>('GET', `/accounts/${id}`),
  positions: (id: string) => request<Page<Position>>('GET', `/accounts/${id}/positions`),
  orders: (id: string, status: 'open' | 'closed' | 'all', cursor?: string) =>
    request<Page<Order>>('GET', `/accounts/${id}/orders`, { query: { status, cursor } }),
  fills: (id: string) => request<Page<Fill>>('GET', `/accounts/${id}/fills`),
  equity: (id: string) => request<Page<EquityPoint>>('GET', `/accounts/${id}/equity`),
  instruments: () => request<Page<Instrument>>('GET', '/instruments'),
  bars: (
    symbol: string,
    timeframe: Timeframe,
    options: { start?: string; limit?: number } = {},
  ) =>
    request<Page<Bar>>('GET', `/market/${encodeURIComponent(symbol)}/bars`, {
      query: { timeframe, start: options.start, limit: options.limit?.toString() },
    }),
  preview: (order: OrderRequest, signal?: AbortSignal) =>
    request<Preview>('POST', '/orders/preview', { body: order, signal }),
  submit: (order: OrderRequest) => request<Order>('POST', '/orders', { body: order }),
  replace: (
    id: string,
    changes: Partial<Pick<OrderRequest, 'qty' | 'limit_price' | 'stop_price'>>,
  ) => request<Order>('PATCH', `/orders/${id}`, { body: changes }),
  cancel: (id: string) => request<undefined>('DELETE', `/orders/${id}`),
}
