import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  accountId,
  aFill,
  anAccount,
  anOrder,
  aPosition,
  aQuote,
  time,
} from '../testing/examples'
import { ServerModel, actions } from '../testing/serverModel'
import type { LiveMessage, StreamMessage } from './messages'
import { reduce } from './reduce'
import { closedOrdersKept, emptyState, resumePoint, type LiveState } from './state'

const told = (message: StreamMessage): LiveMessage => ({ kind: 'stream', message })

function after(messages: readonly StreamMessage[], start: LiveState = emptyState): LiveState {
  return messages.map(told).reduce(reduce, start)
}

function snapshot(channel: string, seq: number, data: unknown): StreamMessage {
  return { channel, type: 'snapshot', seq, account_id: accountId, data }
}

function news(channel: string, seq: number, prev: number | null, data: unknown): StreamMessage {
  return { channel, type: 'news', seq, prev, account_id: accountId, data }
}

const snapshots = [
  snapshot('account', 10, anAccount({ as_of_seq: 10 })),
  snapshot('positions', 10, { items: [] }),
  snapshot('orders', 10, { items: [anOrder({ as_of_seq: 10 })] }),
  snapshot('fills', 10, { items: [] }),
]
const known = after(snapshots)

describe('the private channels', () => {
  it('start with a snapshot of each', () => {
    expect(known.account?.cash).toBe('100000.00')
    expect(Object.keys(known.orders)).toEqual(['order-1'])
    expect(known.cursors).toEqual({ account: 10, positions: 10, orders: 10, fills: 10 })
  })

  it('ignore news before the snapshot, which has them', () => {
    const state = after([news('orders', 5, null, anOrder())])
    expect(state.orders).toEqual({})
  })

  it('take news that follow', () => {
    const state = after(
      [
        news('orders', 11, 9, anOrder({ status: 'filled', filled_qty: '10', as_of_seq: 11 })),
        news('fills', 11, null, aFill({ seq: 11 })),
        news('positions', 11, null, aPosition()),
        news('account', 11, 10, anAccount({ cash: '98094.95', as_of_seq: 11 })),
      ],
      known,
    )
    expect(state.orders['order-1']?.status).toBe('filled')
    expect(state.fills.map((fill) => fill.id)).toEqual(['fill-1'])
    expect(state.positions.AAPL?.qty).toBe('10')
    expect(state.account?.cash).toBe('98094.95')
    expect(state.gap).toBe(false)
  })

  it('take several messages of one turn, which share its seq', () => {
    const state = after(
      [
        news('fills', 11, null, aFill({ id: 'first', seq: 11 })),
        news('fills', 11, 11, aFill({ id: 'second', seq: 11 })),
      ],
      known,
    )
    expect(state.fills.map((fill) => fill.id)).toEqual(['second', 'first'])
  })

  it.each([
    ['of an older turn', news('orders', 9, 8, anOrder({ status: 'canceled', as_of_seq: 9 }))],
    [
      'of another account',
      { ...news('orders', 11, 10, anOrder({ status: 'canceled' })), account_id: 'other' },
    ],
    [
      'without a seq',
      { channel: 'orders', type: 'news', account_id: accountId, data: anOrder() },
    ],
  ])('drop a message %s', (_, message) => {
    expect(after([message], known)).toEqual(known)
  })

  it('notice that a message is missing, and take no news until the snapshots come', () => {
    const gap = after([news('orders', 13, 12, anOrder({ status: 'filled' }))], known)
    expect(gap.gap).toBe(true)
    expect(resumePoint(gap)).toBeNull()
    const later = after([news('fills', 14, null, aFill({ seq: 14 }))], gap)
    expect(later.fills).toEqual([])
    const healed = after(
      [
        snapshot('account', 14, anAccount({ cash: '5.00' })),
        snapshot('positions', 14, { items: [aPosition()] }),
        snapshot('orders', 14, { items: [] }),
        snapshot('fills', 14, { items: [aFill({ seq: 14 })] }),
      ],
      later,
    )
    expect(healed.gap).toBe(false)
    expect(healed.account?.cash).toBe('5.00')
    expect(healed.fills).toHaveLength(1)
  })

  it('forget a position that was closed', () => {
    const held = after([news('positions', 11, null, aPosition())], known)
    const closed = after([news('positions', 12, 11, aPosition({ qty: '0' }))], held)
    expect(closed.positions).toEqual({})
  })

  it('keep the name that only REST tells', () => {
    const { name, ...nameless } = anAccount({ cash: '1.00' })
    const state = after([news('account', 11, 10, nameless)], known)
    expect(state.account).toMatchObject({ name, cash: '1.00' })
  })

  it('announce fills that are news, and not those of a snapshot', () => {
    const old = after(
      [snapshot('fills', 12, { items: [aFill({ id: 'old', seq: 12 })] })],
      known,
    )
    const state = after([news('fills', 13, 12, aFill({ id: 'new', seq: 13 }))], old)
    expect(state.freshFills).toEqual(['new'])
  })

  it('resume one before the newest seq heard, since a turn may have been cut', () => {
    const state = after([news('fills', 17, null, aFill({ seq: 17 }))], known)
    expect(resumePoint(state)).toBe(16)
  })
})

describe('orders', () => {
  it('that ended while nobody listened leave, and their history is wanted', () => {
    const complete = reduce(known, { kind: 'history', orders: [] })
    expect(complete.historyStale).toBe(false)
    const state = after([snapshot('orders', 20, { items: [] })], complete)
    expect(state.orders).toEqual({})
    expect(state.historyStale).toBe(true)
    const ended = anOrder({ status: 'canceled', as_of_seq: 20 })
    const told = reduce(state, { kind: 'history', orders: [ended] })
    expect(told.orders['order-1']?.status).toBe('canceled')
    expect(told.historyStale).toBe(false)
  })

  it('that a reply told after the snapshot was made stay', () => {
    const sent = reduce(known, { kind: 'order', order: anOrder({ id: 'sent', as_of_seq: 21 }) })
    const state = after([snapshot('orders', 20, { items: [] })], sent)
    expect(Object.keys(state.orders)).toEqual(['sent'])
  })

  it('are not set back by an older word', () => {
    const filled = after(
      [news('orders', 12, 10, anOrder({ status: 'filled', as_of_seq: 12 }))],
      known,
    )
    const state = reduce(filled, {
      kind: 'order',
      order: anOrder({ status: 'new', as_of_seq: 11 }),
    })
    expect(state.orders['order-1']?.status).toBe('filled')
  })

  it('are kept while open, and the newest of the closed ones', () => {
    const many = Array.from({ length: closedOrdersKept + 5 }, (_, at) =>
      anOrder({ id: `closed-${at}`, status: 'filled', created_at: `2026-11-20T${1000 + at}Z` }),
    )
    const state = reduce(known, { kind: 'history', orders: many })
    expect(Object.keys(state.orders)).toHaveLength(closedOrdersKept + 1)
    expect(state.orders['order-1']).toBeDefined()
    expect(state.orders['closed-0']).toBeUndefined()
  })
})

describe('the market channels', () => {
  it('replace quotes and books', () => {
    const state = after([
      { channel: 'quotes:AAPL', type: 'snapshot', data: aQuote() },
      { channel: 'quotes:AAPL', type: 'quote', data: aQuote({ bid: '191.00' }) },
      { channel: 'book:BTC/USD', type: 'book', data: { bids: [['1', '2', 3]], asks: [] } },
    ])
    expect(state.quotes.AAPL?.bid).toBe('191.00')
    expect(state.books['BTC/USD']?.bids).toEqual([['1', '2', 3]])
  })

  it('put the newest print first', () => {
    const print = (price: string) => ({ time, price, qty: '1', side: 'buy' })
    const state = after([
      { channel: 'trades:AAPL', type: 'snapshot', data: { items: [print('1'), print('2')] } },
      { channel: 'trades:AAPL', type: 'trade', data: print('3') },
    ])
    expect(state.prints.AAPL?.map((each) => each.price)).toEqual(['3', '2', '1'])
  })

  it('replace the forming minute and append the next one', () => {
    const bar = (minute: string, close: string) => ({
      time: `2026-11-20T10:${minute}:00Z`,
      close,
    })
    const state = after([
      { channel: 'bars:AAPL:1m', type: 'snapshot', data: { items: [bar('01', '1')] } },
      { channel: 'bars:AAPL:1m', type: 'bar', data: bar('02', '2') },
      { channel: 'bars:AAPL:1m', type: 'bar', data: bar('02', '3') },
      { channel: 'bars:AAPL:1m', type: 'bar', data: bar('01', '9') },
    ])
    expect(state.minutes.AAPL?.map((each) => each.close)).toEqual(['9', '3'])
  })

  it('are ignored where the desk does not know them', () => {
    expect(after([{ channel: 'weather:AAPL', type: 'rain', data: {} }])).toEqual(emptyState)
  })
})

describe('an old snapshot with the events behind it', () => {
  it('equals a fresh snapshot, whatever is heard twice', () => {
    fc.assert(
      fc.property(actions, fc.nat(), fc.infiniteStream(fc.nat(3)), (work, at, repeats) => {
        const server = new ServerModel()
        const early = at % (work.length + 1)
        work.slice(0, early).forEach((action) => server.act(action))
        const old = server.snapshots()
        work.slice(early).forEach((action) => server.act(action))
        const events = server.messagesAfter(Number(old[0]?.seq))
        const heard = events.flatMap((event, index) => {
          // A reconnect repeats a few of the last messages, in their order.
          const again = events.slice(Math.max(0, index - Number(repeats.next().value)), index)
          return [...again, event]
        })
        expect(comparable(after([...old, ...heard]))).toEqual(
          comparable(after(server.snapshots())),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('equals it also when messages are lost and the gap is healed by snapshots', () => {
    fc.assert(
      fc.property(actions, fc.nat(), (work, lost) => {
        const server = new ServerModel()
        const old = server.snapshots()
        work.forEach((action) => server.act(action))
        const events = server.messagesAfter(0)
        const heard = events.filter((_, index) => index !== lost % (events.length + 1))
        const state = after([...old, ...heard])
        const healed = state.gap ? after(server.snapshots(), state) : state
        const last = after(server.messagesAfter(0).slice(-1), healed)
        if (last.gap) return
        const missing = events.length - heard.length
        if (missing === 1 && !state.gap) return // the last of a channel: the next message tells
        expect(comparable(last)).toEqual(comparable(after(server.snapshots())))
      }),
      { numRuns: 300 },
    )
  })
})

/** What the account is; how it came to be known may differ. Closed orders are in no snapshot. */
function comparable(state: LiveState) {
  const { account, positions, fills } = state
  const open = Object.values(state.orders).filter((order) => order.status === 'new')
  return {
    account: { ...account, as_of_seq: 0 },
    positions,
    fills,
    open: open.map((order) => ({ ...order, as_of_seq: 0 })).sort(byId),
  }
}

function byId(left: { id: string }, right: { id: string }): number {
  return left.id < right.id ? -1 : 1
}
