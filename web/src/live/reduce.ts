/**
 * The one place where the desk learns something: `reduce(state, message) -> state`, pure.
 *
 * A snapshot says how things stand; the messages after it say what changed. Each private message
 * carries the whole new object, so hearing one twice changes nothing, and its `seq` and `prev`
 * show whether one in between is missing. It never asks anybody and never looks at a clock.
 */

import type { Account, Bar, Book, Fill, Order, Position, Print, Quote } from '../api/types'
import { parseDecimal, sign } from '../decimal/decimal'
import type { LiveMessage, StreamMessage } from './messages'
import {
  closedOrdersKept,
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
      return { ...state, connection: message.connection, retryAt: message.retryAt ?? null }
    case 'stream':
      return withStreamMessage(state, message.message)
    case 'order':
      return withOrder(state, message.order)
    case 'history':
      return { ...message.orders.reduce(withOrder, state), historyStale: false }
  }
}

function withStreamMessage(state: LiveState, message: StreamMessage): LiveState {
  const channel = privateChannels.find((name) => name === message.channel)
  if (channel !== undefined) return withPrivateMessage(state, channel, message)
  return message.channel === 'session'
    ? withSessionMessage(state, message)
    : withMarketMessage(state, message)
}

interface Authenticated {
  accounts: readonly { id: string }[]
}

function withSessionMessage(state: LiveState, message: StreamMessage): LiveState {
  if (message.type !== 'authenticated') return state
  const [first] = (message.data as Authenticated).accounts
  return { ...state, accountId: first?.id ?? null }
}

function withPrivateMessage(
  state: LiveState,
  channel: PrivateChannel,
  message: StreamMessage,
): LiveState {
  const { account_id: accountId = null, seq, prev } = message
  const own = state.accountId ?? accountId
  if (seq === undefined || accountId !== own) return state
  const known = state.cursors[channel]
  const at = (seen: number): LiveState => ({
    ...state,
    accountId: own,
    cursors: { ...state.cursors, [channel]: seen },
  })
  if (isSnapshot(message)) return withSnapshot(at(seq), channel, seq, message.data)
  // Before its first snapshot, or after a gap, there is nothing to add news to.
  if (known === undefined || state.gap) return state
  if (prev !== undefined && prev !== null && prev > known) return { ...state, gap: true }
  // Several messages of one turn share its seq, so an equal one may be new; an older one is not.
  if (seq < known) return state
  return withPrivateData(at(seq), channel, message.data)
}

function isSnapshot(message: StreamMessage): boolean {
  return message.type === 'snapshot' || message.type === 'resync'
}

interface Listed<Item> {
  items: readonly Item[]
}

function withSnapshot(
  state: LiveState,
  channel: PrivateChannel,
  seq: number,
  data: unknown,
): LiveState {
  switch (channel) {
    case 'account':
      // The first channel of all: what was missing before it is made up for by the four of them.
      return { ...state, gap: false, account: { ...state.account, ...(data as Account) } }
    case 'positions':
      return { ...state, positions: bySymbol((data as Listed<Position>).items) }
    case 'orders':
      return withOpenOrders(state, seq, (data as Listed<Order>).items)
    case 'fills':
      return { ...state, fills: mergedFills(state.fills, (data as Listed<Fill>).items) }
  }
}

/** All orders that are open as of `seq`. Others that were open are closed by now; how, it says not. */
function withOpenOrders(state: LiveState, seq: number, open: readonly Order[]): LiveState {
  const openIds = new Set(open.map((order) => order.id))
  const ended = Object.values(state.orders).filter(
    (order) => isOpen(order) && order.as_of_seq <= seq && !openIds.has(order.id),
  )
  const endedIds = new Set(ended.map((order) => order.id))
  const kept = Object.values(state.orders).filter((order) => !endedIds.has(order.id))
  const orders = Object.fromEntries(kept.map((order) => [order.id, order]))
  const historyStale = state.historyStale || ended.length > 0
  return open.reduce(withOrder, { ...state, orders, historyStale })
}

/** Both newest first. */
function mergedFills(known: readonly Fill[], fetched: readonly Fill[]): readonly Fill[] {
  const fetchedIds = new Set(fetched.map((fill) => fill.id))
  const others = known.filter((fill) => !fetchedIds.has(fill.id))
  return [...fetched, ...others].sort((left, right) => right.seq - left.seq).slice(0, fillsKept)
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
      return { ...state, account: { ...state.account, ...(data as Account) } }
  }
}

function withOrder(state: LiveState, order: Order): LiveState {
  const known = state.orders[order.id]
  if (known !== undefined && known.as_of_seq > order.as_of_seq) return state
  return { ...state, orders: withoutOldest({ ...state.orders, [order.id]: order }) }
}

function withFill(state: LiveState, fill: Fill): LiveState {
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
  const fresh = isSnapshot(message)
  switch (feed) {
    case 'quotes':
      return { ...state, quotes: { ...state.quotes, [symbol]: message.data as Quote } }
    case 'book':
      return { ...state, books: { ...state.books, [symbol]: message.data as Book } }
    case 'trades':
      return fresh
        ? withPrints(state, symbol, [], (message.data as Listed<Print>).items)
        : withPrints(state, symbol, state.prints[symbol] ?? [], [message.data as Print])
    case 'bars':
      return fresh
        ? withMinutes(state, symbol, [], (message.data as Listed<Bar>).items)
        : withMinutes(state, symbol, state.minutes[symbol] ?? [], [message.data as Bar])
    default:
      return state
  }
}

/** Prints come oldest first and are kept newest first. */
function withPrints(
  state: LiveState,
  symbol: string,
  known: readonly Print[],
  news: readonly Print[],
): LiveState {
  const prints = [...[...news].reverse(), ...known].slice(0, printsKept)
  return { ...state, prints: { ...state.prints, [symbol]: prints } }
}

function withMinutes(
  state: LiveState,
  symbol: string,
  known: readonly Bar[],
  news: readonly Bar[],
): LiveState {
  const minutes = news.reduce(withMinute, known)
  return { ...state, minutes: { ...state.minutes, [symbol]: minutes } }
}

/** The forming bar comes again and again until its minute is over. */
function withMinute(minutes: readonly Bar[], bar: Bar): readonly Bar[] {
  const newest = minutes.at(-1)
  if (newest === undefined || newest.time < bar.time)
    return [...minutes, bar].slice(-minutesKept)
  return minutes.map((known) => (known.time === bar.time ? bar : known))
}
