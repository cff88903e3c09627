/** What the desk knows, as one value. Only `reduce` makes a new one. */

import type {
  Account,
  Bar,
  Book,
  Fill,
  Order,
  OrderStatus,
  Position,
  Print,
  Quote,
} from '../api/types'

export const privateChannels = ['orders', 'fills', 'account', 'positions'] as const
export type PrivateChannel = (typeof privateChannels)[number]

export type Connection = 'offline' | 'connecting' | 'live' | 'waiting' | 'refused'

export interface LiveState {
  connection: Connection
  /** When the next attempt to connect is made, in milliseconds of the browser's clock. */
  retryAt: number | null
  account: Account | null
  positions: Readonly<Record<string, Position>>
  orders: Readonly<Record<string, Order>>
  /** Newest first. */
  fills: readonly Fill[]
  /** Ids of fills that the stream brought since the page was opened: what is worth announcing. */
  freshFills: readonly string[]
  /** By private channel, the seq up to which this state knows it; null before the first snapshot. */
  cursors: Readonly<Record<PrivateChannel, number>> | null
  /** The seq of the newest snapshot. */
  snapshotSeq: number
  /** A message is missing between two that came: the state must be fetched anew. */
  gap: boolean
  quotes: Readonly<Record<string, Quote>>
  books: Readonly<Record<string, Book>>
  /** By symbol, newest first. */
  prints: Readonly<Record<string, readonly Print[]>>
  /** By symbol, the one-minute bars that the stream brought, oldest first. */
  minutes: Readonly<Record<string, readonly Bar[]>>
}

export const fillsKept = 500
export const closedOrdersKept = 200
export const printsKept = 60
export const minutesKept = 1_500
export const freshFillsKept = 50

export const emptyState: LiveState = {
  connection: 'offline',
  retryAt: null,
  account: null,
  positions: {},
  orders: {},
  fills: [],
  freshFills: [],
  cursors: null,
  snapshotSeq: 0,
  gap: false,
  quotes: {},
  books: {},
  prints: {},
  minutes: {},
}

const openStatuses: ReadonlySet<OrderStatus> = new Set([
  'pending_new',
  'new',
  'partially_filled',
  'held',
])

export function isOpen(order: Order): boolean {
  return openStatuses.has(order.status)
}

/**
 * The number to resume the stream from. One less than the newest heard: a turn may have several
 * messages, and the connection may have ended between them. Repeats do no harm. A snapshot is
 * whole, so nothing before it is asked for.
 */
export function resumePoint(state: LiveState): number | null {
  if (state.cursors === null) return null
  return Math.max(state.snapshotSeq, Math.max(...Object.values(state.cursors)) - 1)
}
