/**
 * The one place where the desk learns something: `reduce(state, message) -> state`, pure.
 *
 * A snapshot says how things stand; the messages after it say what changed. Each private message
 * carries the whole new object, so hearing one twice changes nothing, and its `seq` and `prev`
 * show whether one in between is missing. It never asks anybody and never looks at a clock.
 */

import type { Account, Bar, Book, Fill, Order, Position, Print, Quote } from '../api/types'
import { parseDecimal, sign } from '../decimal/decimal'
import type { LiveMessage, Snapshot, StreamMessage } from './messages'
import {
  closedOrdersKept,
  emptyState,
  fillsKept,
  freshFillsKept,
  isOpen,
  minutesKept,
  printsKept,
  privateChannels,
  type LiveState,
  type PrivateChannel,
} from './state'

export function reduce(state: LiveState, message: LiveMessage): LiveState {
  switch (message.kind) {
    case 'connection':
      return {
        ...state,
        connection: message.connection,
        retryAt: message.retryAt ?? null,
      }
    case 'snapshot':
      return withSnapshot(state, message.snapshot)
    case 'stream':
      return withStreamMessage(state, message.message)
    case 'order':
      return withOrder(state, message.order)
    case 'signed_out':
      return emptyState
  }
}

function withSnapshot(state: LiveState, snapshot: Snapshot): LiveState {
  const cursors = Object.fromEntries(
    privateChannels.map((channel) => [channel, snapshot.asOfSeq]),
  ) as Record<PrivateChannel, number>
  return {
    ...state,
    cursors,
    snapshotSeq: snapshot.asOfSeq,
    gap: false,
    account: snapshot.account,
    positions: bySymbol(snapshot.positions),
    orders: withoutOldest(
      Object.fromEntries(snapshot.orders.map((order) => [order.id, order])),
    ),
    fills: snapshot.fills.slice(0, fillsKept),
  }
}

function withStreamMessage(state: LiveState, message: StreamMessage): LiveState {
  if (message.type === 'resync') return { ...state, gap: true }
  const channel = privateChannels.find((name) => name === message.channel)
  return channel === undefined
    ? withMarketMessage(state, message)
    : withPrivateMessage(state, channel, message)
}

function withPrivateMessage(
  state: LiveState,
  channel: PrivateChannel,
  { seq, prev, data }: StreamMessage,
): LiveState {
  // Before the first snapshot there is nothing to add to, and the snapshot will have it.
  if (state.cursors === null || seq === undefined || state.gap) return state
  const known = state.cursors[channel]
  if (prev !== undefined && prev !== null && prev > known) return { ...state, gap: true }
  // Several messages of one turn share its seq, so an equal one may be new; an older one is not.
  if (seq < known) return state
  const cursors = { ...state.cursors, [channel]: seq }
  return { ...withPrivateData(state, channel, data), cursors }
}

function withPrivateData(state: LiveState, channel: PrivateChannel, data: unknown): LiveState {
  switch (channel) {
    case 'orders':
      return withOrder(state, data as Order)
    case 'fills':
      return withFill(state, data as Fill)
    case 'positions':
      return withPosition(state, data as Position)
    case 'account':
      return withAccount(state, data as Account)
  }
}

function withOrder(state: LiveState, order: Order): LiveState {
  if (isForeign(state, order.account_id)) return state
  const known = state.orders[order.id]
  if (known !== undefined && known.as_of_seq > order.as_of_seq) return state
  return { ...state, orders: withoutOldest({ ...state.orders, [order.id]: order }) }
}

function withFill(state: LiveState, fill: Fill): LiveState {
  if (isForeign(state, fill.account_id)) return state
  if (state.fills.some((known) => known.id === fill.id)) return state
  return {
    ...state,
    fills: [fill, ...state.fills].slice(0, fillsKept),
    freshFills: [...state.freshFills, fill.id].slice(-freshFillsKept),
  }
}

function withPosition(state: LiveState, position: Position): LiveState {
  const others = Object.values(state.positions).filter(
    ({ symbol }) => symbol !== position.symbol,
  )
  return { ...state, positions: bySymbol([...others, position]) }
}

function withAccount(state: LiveState, account: Account): LiveState {
  if (isForeign(state, account.id)) return state
  if (state.account !== null && state.account.as_of_seq > account.as_of_seq) return state
  return { ...state, account: { ...state.account, ...account } }
}

function isForeign(state: LiveState, accountId: string): boolean {
  return state.account !== null && state.account.id !== accountId
}

/** A position that was closed comes once more, with quantity zero. */
function bySymbol(positions: readonly Position[]): Record<string, Position> {
  return Object.fromEntries(positions.filter(isHeld).map((each) => [each.symbol, each]))
}

function isHeld(position: Position): boolean {
  const quantity = parseDecimal(position.qty)
  return quantity !== null && sign(quantity) !== 0
}

/** Open orders are always kept; of closed ones only the newest. */
function withoutOldest(orders: Record<string, Order>): Record<string, Order> {
  const closed = Object.values(orders).filter((order) => !isOpen(order))
  if (closed.length <= closedOrdersKept) return orders
  closed.sort((left, right) => (left.created_at < right.created_at ? 1 : -1))
  const dropped = new Set(closed.slice(closedOrdersKept).map((order) => order.id))
  return Object.fromEntries(Object.entries(orders).filter(([id]) => !dropped.has(id)))
}

function withMarketMessage(state: LiveState, message: StreamMessage): LiveState {
  const [feed = '', symbol = ''] = message.channel.split(':')
  switch (feed) {
    case 'quotes':
      return { ...state, quotes: { ...state.quotes, [symbol]: message.data as Quote } }
    case 'book':
      return { ...state, books: { ...state.books, [symbol]: message.data as Book } }
    case 'trades':
      return withPrints(state, symbol, listed(message.data as Print | Print[]))
    case 'bars':
      return withMinutes(state, symbol, listed(message.data as Bar | Bar[]))
    default:
      return state
  }
}

/** Conflation may hand over several at once. */
function listed<Item>(data: Item | Item[]): Item[] {
  return Array.isArray(data) ? data : [data]
}

function withPrints(state: LiveState, symbol: string, news: readonly Print[]): LiveState {
  const known = state.prints[symbol] ?? []
  const prints = [...[...news].reverse(), ...known].slice(0, printsKept)
  return { ...state, prints: { ...state.prints, [symbol]: prints } }
}

function withMinutes(state: LiveState, symbol: string, news: readonly Bar[]): LiveState {
  const minutes = news.reduce(withMinute, state.minutes[symbol] ?? [])
  return { ...state, minutes: { ...state.minutes, [symbol]: minutes } }
}

/** The forming bar comes again and again until its minute is over. */
function withMinute(minutes: readonly Bar[], bar: Bar): readonly Bar[] {
  const newest = minutes.at(-1)
  if (newest === undefined || newest.time < bar.time)
    return [...minutes, bar].slice(-minutesKept)
  return minutes.map((known) => (known.time === bar.time ? bar : known))
}
