/**
 * Keeps one connection to `WS /api/v1/stream` alive and hands its messages to the reducer.
 *
 * A connection authenticates, subscribes to the private channels from where the known state ends
 * (or from nothing, which brings snapshots), then to the market channels that the desk shows. When
 * the reducer sees a gap, snapshots are asked for. After a loss it tries again, waiting longer each
 * time. It never decides what a message means for the desk.
 */

import type { Order } from '../api/types'
import type { LiveMessage, StreamMessage } from './messages'
import { privateChannels, resumePoint, type LiveState } from './state'

/** What the stream needs of the world outside; tests bring their own. */
export interface StreamPort {
  openSocket: () => WebSocket
  token: () => string | null
  /** The newest orders, closed ones too: the stream tells of them only while they change. */
  orderHistory: (accountId: string) => Promise<readonly Order[]>
  state: () => LiveState
  receive: (messages: readonly LiveMessage[]) => void
  /** The server refused the token. */
  refused: () => void
  /** Runs `action` before the next frame is drawn, or soon when the page is not drawn at all. */
  beforeNextFrame: (action: () => void) => void
}

export const firstWaitMs = 250
export const longestWaitMs = 10_000
/** A connection that lived this long was a good one: after it the waiting begins anew. */
export const goodAfterMs = 5_000
const historyPauseMs = 2_000
const tokenRefused = 4401
/** Words of the server that another attempt will not change. */
const lasting = new Set(['unknown_symbol', 'unknown_channel', 'too_many_channels', 'malformed'])

export class Stream {
  readonly #port: StreamPort
  #socket: WebSocket | null = null
  #channels: readonly string[] = []
  #subscribed = new Set<string>()
  #liveSince: number | null = null
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | null = null
  #waiting: LiveMessage[] = []
  #fetchingHistory = false

  constructor(port: StreamPort) {
    this.#port = port
  }

  open(): void {
    this.#stopWaiting()
    const socket = this.#port.openSocket()
    this.#socket = socket
    this.#liveSince = null
    this.#subscribed = new Set()
    this.#tell({ kind: 'connection', connection: 'connecting' })
    socket.onopen = () => this.#start()
    socket.onmessage = (event) => this.#received(socket, String(event.data))
    socket.onclose = (event) => this.#closed(socket, event.code)
  }

  close(): void {
    this.#stopWaiting()
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  /** The network came back, or somebody is impatient: do not wait any longer. */
  retryNow(): void {
    if (this.#retry !== null) this.open()
  }

  /** Which market channels are wanted from now on; the private ones always are. */
  follow(channels: readonly string[]): void {
    this.#channels = channels
    if (this.#liveSince !== null) this.#subscribeMarket()
  }

  #start(): void {
    this.#send({ action: 'auth', token: this.#port.token() })
    const since = resumePoint(this.#port.state())
    this.#send({
      action: 'subscribe',
      channels: privateChannels,
      ...(since === null ? {} : { since }),
    })
  }

  #subscribeMarket(): void {
    const wanted = new Set(this.#channels)
    const added = this.#channels.filter((channel) => !this.#subscribed.has(channel))
    const dropped = [...this.#subscribed].filter((channel) => !wanted.has(channel))
    this.#subscribed = wanted
    if (dropped.length > 0) this.#send({ action: 'unsubscribe', channels: dropped })
    if (added.length > 0) this.#send({ action: 'subscribe', channels: added })
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message))
  }

  #received(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return
    const message = JSON.parse(text) as StreamMessage & { reason?: string }
    this.#tell({ kind: 'stream', message })
    if (message.channel !== 'session') return
    if (message.type === 'subscribed' && this.#liveSince === null) this.#live()
    // The floor was away when channels were asked for, so they are not subscribed: begin anew.
    if (message.type === 'error' && !lasting.has(message.reason ?? '')) socket.close()
  }

  #live(): void {
    this.#liveSince = Date.now()
    this.#subscribeMarket()
    this.#tell({ kind: 'connection', connection: 'live' })
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return
    this.#socket = null
    if (code === tokenRefused) {
      this.#tell({ kind: 'connection', connection: 'refused' })
      this.#port.refused()
      return
    }
    const wasGood = this.#liveSince !== null && Date.now() - this.#liveSince >= goodAfterMs
    this.#failures = wasGood ? 1 : this.#failures + 1
    const waitMs = waitBefore(this.#failures)
    this.#tell({ kind: 'connection', connection: 'waiting', retryAt: Date.now() + waitMs })
    this.#retry = setTimeout(() => this.open(), waitMs)
  }

  #stopWaiting(): void {
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
  }

  #tell(message: LiveMessage): void {
    this.#waiting.push(message)
    if (this.#waiting.length === 1) this.#port.beforeNextFrame(() => this.#flush())
  }

  #flush(): void {
    const messages = this.#waiting
    this.#waiting = []
    const hadGap = this.#port.state().gap
    this.#port.receive(messages)
    if (this.#port.state().gap && !hadGap) {
      this.#send({ action: 'subscribe', channels: privateChannels })
    }
    void this.#completeHistory()
  }

  async #completeHistory(): Promise<void> {
    const { historyStale, cursors, accountId } = this.#port.state()
    if (!historyStale || cursors.orders === undefined || accountId === null) return
    if (this.#fetchingHistory) return
    this.#fetchingHistory = true
    try {
      const orders = await this.#port.orderHistory(accountId)
      this.#port.receive([{ kind: 'history', orders }])
    } catch {
      // A later message asks again; until then the open orders are complete all the same.
      await new Promise((resume) => setTimeout(resume, historyPauseMs))
    } finally {
      this.#fetchingHistory = false
    }
  }
}

/** Twice as long after each failure, with some chance in it so that not all return at once. */
export function waitBefore(attempt: number, chance: number = Math.random()): number {
  const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(longest * (0.75 + chance / 4))
}
