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

/** The account comes first, so that its figures never lag behind what they stand for. */
export const privateChannels = ['account', 'positions', 'orders', 'fills'] as const
export type PrivateChannel = (typeof privateChannels)[number]

export type Connection = 'offline' | 'connecting' | 'live' | 'waiting' | 'refused'

export interface LiveState {
  connection: Connection
  /** When the next attempt to connect is made, in milliseconds of the browser's clock. */
  retryAt: number | null
  /** The account that the desk shows: the first of the user. */
  accountId: string | null
  account: Account | null
  positions: Readonly<Record<string, Position>>
  orders: Readonly<Record<string, Order>>
  /** Newest first. */
  fills: readonly Fill[]
  /** Ids of fills that came as news since the page was opened: what is worth announcing. */
  freshFills: readonly string[]
  /** By private channel, the seq up to which it is known; nothing before its first snapshot. */
  cursors: Readonly<Partial<Record<PrivateChannel, number>>>
  /** Between two private messages one is missing: the channels must be asked for a snapshot. */
  gap: boolean
  /** Orders went away without a word of how they ended: the history must be fetched. */
  historyStale: boolean
  quotes: Readonly<Record<string, Quote>>
  books: Readonly<Record<string, Book>>
  /** By symbol, newest first. */
  prints: Readonly<Record<string, readonly Print[]>>
  /** By symbol, one-minute bars, oldest first. */
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
  accountId: null,
  account: null,
  positions: {},
  orders: {},
  fills: [],
  freshFills: [],
  cursors: {},
  gap: false,
  historyStale: true,
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
 * The number to resume the stream from; null when a channel is not known at all. One less than the
 * newest heard: a turn may have several messages, and the connection may have ended between them.
 * Repeats do no harm.
 */
export function resumePoint({ cursors, gap }: LiveState): number | null {
  const known = Object.values(cursors)
  if (gap || known.length < privateChannels.length) return null
  return Math.max(0, Math.max(...known) - 1)
}
