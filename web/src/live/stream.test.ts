import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Order } from '../api/types'
import { accountId, aFill, anAccount, anOrder } from '../testing/examples'
import { reduce } from './reduce'
import { emptyState, privateChannels } from './state'
import { firstWaitMs, goodAfterMs, longestWaitMs, Stream, waitBefore } from './stream'

/** The other end of the connection, in the hands of the test. */
class Wire {
  sent: { action: string; channels?: string[]; since?: number; token?: string }[] = []
  closed = false
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null

  send(text: string) {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number])
  }

  close() {
    this.drop(1000)
  }

  accept() {
    this.onopen?.()
    this.tell('session', 'authenticated', { accounts: [{ id: accountId }] })
    this.tell('session', 'subscribed', { channels: privateChannels })
  }

  tell(channel: string, type: string, data: unknown, more: object = {}) {
    this.onmessage?.({ data: JSON.stringify({ channel, type, data, ...more }) })
  }

  tellSnapshots(seq: number) {
    const more = { seq, account_id: accountId }
    this.tell('account', 'snapshot', anAccount(), more)
    for (const channel of ['positions', 'orders', 'fills']) {
      this.tell(channel, 'snapshot', { items: [] }, more)
    }
  }

  drop(code: number) {
    if (this.closed) return
    this.closed = true
    this.onclose?.({ code })
  }
}

function aDesk(history: () => Promise<readonly Order[]> = () => Promise.resolve([])) {
  const desk = { state: emptyState, wires: [] as Wire[], refusals: 0, fetches: 0 }
  const stream = new Stream({
    openSocket: () => {
      const wire = new Wire()
      desk.wires.push(wire)
      return wire as unknown as WebSocket
    },
    token: () => 'token',
    orderHistory: () => {
      desk.fetches += 1
      return history()
    },
    state: () => desk.state,
    receive: (messages) => {
      desk.state = messages.reduce(reduce, desk.state)
    },
    refused: () => {
      desk.refusals += 1
    },
    beforeNextFrame: (action) => action(),
  })
  return { desk, stream, wire: () => desk.wires.at(-1) ?? new Wire() }
}

function aLiveDesk() {
  const all = aDesk()
  all.stream.open()
  all.wire().accept()
  all.wire().tellSnapshots(10)
  return all
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('the stream', () => {
  it('authenticates first, then asks for the private channels from their beginning', () => {
    const { desk, wire } = aLiveDesk()
    expect(wire().sent).toEqual([
      { action: 'auth', token: 'token' },
      { action: 'subscribe', channels: [...privateChannels] },
    ])
    expect(desk.state.connection).toBe('live')
    expect(desk.state.account?.cash).toBe('100000.00')
  })

  it('follows the channels of the desk, and leaves those it does not show any more', () => {
    const { stream, wire } = aLiveDesk()
    stream.follow(['quotes:AAPL', 'book:AAPL'])
    stream.follow(['quotes:AAPL', 'book:MSFT'])
    expect(wire().sent.slice(2)).toEqual([
      { action: 'subscribe', channels: ['quotes:AAPL', 'book:AAPL'] },
      { action: 'unsubscribe', channels: ['book:AAPL'] },
      { action: 'subscribe', channels: ['book:MSFT'] },
    ])
  })

  it('comes back after a loss, resumes, and follows the same channels', () => {
    const { desk, stream, wire } = aLiveDesk()
    stream.follow(['quotes:AAPL'])
    wire().drop(1006)
    expect(desk.state.connection).toBe('waiting')
    expect(desk.state.account?.cash).toBe('100000.00')
    vi.advanceTimersByTime(firstWaitMs)
    wire().accept()
    expect(desk.wires).toHaveLength(2)
    expect(wire().sent).toEqual([
      { action: 'auth', token: 'token' },
      { action: 'subscribe', channels: [...privateChannels], since: 9 },
      { action: 'subscribe', channels: ['quotes:AAPL'] },
    ])
    expect(desk.state.connection).toBe('live')
  })

  it('waits longer after each failure, and less again after a good connection', () => {
    const { desk, stream, wire } = aDesk()
    stream.open()
    const waits: number[] = []
    for (let loss = 0; loss < 8; loss += 1) {
      wire().drop(1006)
      waits.push((desk.state.retryAt ?? 0) - Date.now())
      vi.advanceTimersToNextTimer()
    }
    expect(waits[0]).toBeLessThanOrEqual(firstWaitMs)
    expect(waits[7]).toBeGreaterThan(longestWaitMs / 2)
    expect(Math.max(...waits)).toBeLessThanOrEqual(longestWaitMs)
    wire().accept()
    vi.advanceTimersByTime(goodAfterMs)
    wire().drop(1006)
    expect((desk.state.retryAt ?? 0) - Date.now()).toBeLessThanOrEqual(firstWaitMs)
  })

  it('does not wait when somebody asks it to try now', () => {
    const { desk, stream, wire } = aLiveDesk()
    wire().drop(1006)
    stream.retryNow()
    expect(desk.wires).toHaveLength(2)
    vi.advanceTimersByTime(longestWaitMs)
    expect(desk.wires).toHaveLength(2)
  })

  it('ends the session when the token is refused, and does not try again', () => {
    const { desk, wire } = aLiveDesk()
    wire().drop(4401)
    vi.advanceTimersByTime(10 * longestWaitMs)
    expect(desk).toMatchObject({ refusals: 1, wires: { length: 1 } })
  })

  it('asks for snapshots when a message is missing', () => {
    const { desk, wire } = aLiveDesk()
    const late = { seq: 30, prev: 20, account_id: accountId }
    wire().tell('fills', 'fill', aFill({ seq: 30 }), late)
    expect(wire().sent.at(-1)).toEqual({ action: 'subscribe', channels: [...privateChannels] })
    wire().tellSnapshots(30)
    expect(desk.state.gap).toBe(false)
  })

  it('begins anew when the floor was away while channels were asked for', () => {
    const { desk, wire } = aLiveDesk()
    wire().tell('session', 'error', {}, { reason: 'not_accepted', detail: 'the floor is away' })
    expect(desk.state.connection).toBe('waiting')
  })

  it('stays when a channel is unknown, since asking again would not help', () => {
    const { desk, wire } = aLiveDesk()
    wire().tell('session', 'error', {}, { reason: 'unknown_symbol', detail: 'no such symbol' })
    expect(desk.state.connection).toBe('live')
  })

  it('fetches the history of orders once, and again only when orders ended unseen', async () => {
    const filled = anOrder({ status: 'filled' })
    const { desk, stream, wire } = aDesk(() => Promise.resolve([filled]))
    stream.open()
    wire().accept()
    wire().tellSnapshots(10)
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.state.orders['order-1']?.status).toBe('filled')
    wire().tell('quotes:AAPL', 'quote', {})
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.fetches).toBe(1)
  })

  it('asks for the history again some time after it could not be had', async () => {
    const { desk, stream, wire } = aDesk(() => Promise.reject(new Error('away')))
    stream.open()
    wire().accept()
    wire().tellSnapshots(10)
    wire().tell('quotes:AAPL', 'quote', {})
    await vi.advanceTimersByTimeAsync(100)
    expect(desk.fetches).toBe(1)
    await vi.advanceTimersByTimeAsync(5_000)
    wire().tell('quotes:AAPL', 'quote', {})
    expect(desk.fetches).toBe(2)
  })

  it('says nothing after it was closed', () => {
    const { desk, stream, wire } = aLiveDesk()
    stream.close()
    wire().tell('account', 'account', anAccount({ cash: '0.00' }), { seq: 99 })
    vi.advanceTimersByTime(longestWaitMs)
    expect(desk.wires).toHaveLength(1)
    expect(desk.state.account?.cash).toBe('100000.00')
  })
})

describe('the wait before an attempt', () => {
  it.each([
    [1, 0, 188],
    [1, 1, 250],
    [3, 1, 1_000],
    [99, 1, 10_000],
  ])('number %i, with chance %d, is %i ms', (attempt, chance, milliseconds) => {
    expect(waitBefore(attempt, chance)).toBe(milliseconds)
  })
})
