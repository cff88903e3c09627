/** The routes that the desk uses, each a function. Errors are thrown as `Problem`. */

import { answer, client } from './client'
import type { OrderRequest, ReplaceRequest, Timeframe } from './types'

const account = (account_id: string) => ({ path: { account_id } })
const order = (order_id: string) => ({ path: { order_id } })

export const exchange = {
  demo: () => answer(client.GET('/api/v1/demo')),

  register: (username: string, password: string) =>
    answer(
      client.POST('/api/v1/auth/register', {
        body: { username, password, accept_notice: true },
      }),
    ),

  /** `code` where the second factor is on. */
  login: (username: string, password: string, code?: string) =>
    answer(
      client.POST('/api/v1/auth/login', {
        body: { username, password, cookie: true, ...(code ? { code } : {}) },
      }),
    ),

  me: () => answer(client.GET('/api/v1/me')),

  /** The newest orders, open and closed. */
  orders: (accountId: string, limit: number) =>
    answer(
      client.GET('/api/v1/accounts/{account_id}/orders', {
        params: { ...account(accountId), query: { status: 'all', limit } },
      }),
    ),

  equity: (accountId: string, limit: number) =>
    answer(
      client.GET('/api/v1/accounts/{account_id}/equity', {
        params: { ...account(accountId), query: { limit } },
      }),
    ),

  instruments: () => answer(client.GET('/api/v1/instruments')),

  bars: (
    symbol: string,
    timeframe: Timeframe,
    options: { start?: string; limit?: number } = {},
  ) =>
    answer(
      client.GET('/api/v1/market/{symbol}/bars', {
        params: { path: { symbol }, query: { timeframe, ...options } },
      }),
    ),

  preview: (body: OrderRequest, signal?: AbortSignal) =>
    answer(client.POST('/api/v1/orders/preview', { body, signal: signal ?? null })),

  submit: (body: OrderRequest) => answer(client.POST('/api/v1/orders', { body })),

  replace: (id: string, body: ReplaceRequest) =>
    answer(client.PATCH('/api/v1/orders/{order_id}', { params: order(id), body })),

  cancel: (id: string) =>
    answer(client.DELETE('/api/v1/orders/{order_id}', { params: order(id) })),
}
