/** Fetches the state of an account through the REST routes. */

import { exchange } from '../api/exchange'
import type { Order } from '../api/types'
import type { Snapshot } from './messages'

/**
 * The account is asked first, so its seq is the oldest of all answers: what the others know beyond
 * it comes again through the stream, and is the same.
 */
export async function fetchSnapshot(): Promise<Snapshot> {
  const [first] = (await exchange.accounts()).items
  if (first === undefined) throw new Error('This user has no account yet; log in again.')
  const account = await exchange.account(first.id)
  const [positions, open, recent, fills] = await Promise.all([
    exchange.positions(account.id),
    allOpenOrders(account.id),
    exchange.orders(account.id, 'all'),
    exchange.fills(account.id),
  ])
  return {
    asOfSeq: account.as_of_seq,
    account,
    positions: positions.items,
    orders: [...recent.items, ...open],
    fills: fills.items,
  }
}

/** A resting order can be older than any page of recent ones. */
async function allOpenOrders(accountId: string): Promise<Order[]> {
  const orders: Order[] = []
  let cursor: string | undefined
  do {
    const page = await exchange.orders(accountId, 'open', cursor)
    orders.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return orders
}
