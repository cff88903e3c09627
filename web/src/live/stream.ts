/**
 * Keeps one connection to `WS /api/v1/stream` alive and hands its messages to the reducer.
 *
 * The order of a connection: authenticate, fetch a snapshot unless the known state can be resumed,
 * subscribe from there. When the reducer sees a gap, the snapshot is fetched anew and the
 * subscription repeated. After a loss it tries again, waiting longer each time. It never decides
 * what a message means.
 */

import type { LiveMessage, Snapshot, StreamMessage } from './messages'
import { privateChannels, resumePoint, type LiveState } from './state'

/** What the stream needs of the world outside; tests bring their own. */
export interface StreamPort {
  openSocket: () => WebSocket
  token: () => string | null
  snapshot: () => Promise<Snapshot>
  state: () => LiveState
  receive: (messages: LiveMessage[]) => void
  /** The server refused the token. */
  refused: () => void
  /** Runs `action` before the next frame is drawn, or soon when the page is not drawn at all. */
  beforeNextFrame: (action: () => void) => void
}

export const firstWaitMs = 250
export const longestWaitMs = 10_000
/** Two repairs are at least this far apart, whatever the server says. */
const repairPauseMs = 500
const tokenRefused = 4401
const fellBehind = 4408

export class Stream {
  readonly #port: StreamPort
  #socket: WebSocket | null = null
  #channels: readonly string[] = []
  #subscribed = new Set<string>()
  #ready = false
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | null = null
  #waiting: LiveMessage[] = []

  constructor(port: StreamPort) {
    this.#port = port
  }

  open(): void {
    this.#stopWaiting()
    const socket = this.#port.openSocket()
    this.#socket = socket
    this.#ready = false
    this.#subscribed = new Set()
    this.#tell({ kind: 'connection', connection: 'connecting' })
    socket.onopen = () => void this.#start(socket)
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
    if (this.#ready) this.#subscribeMarket()
  }

  async #start(socket: WebSocket): Promise<void> {
    socket.send(JSON.stringify({ action: 'auth', token: this.#port.token() }))
    try {
      await this.#catchUp(socket)
    } catch {
      // Without a snapshot the stream is of no use; the close leads to the next attempt.
      socket.close()
      return
    }
    if (socket !== this.#socket) return
    this.#ready = true
    this.#failures = 0
    this.#subscribeMarket()
    this.#tell({ kind: 'connection', connection: 'live' })
  }

  /** Resumes the private channels from what is known, or from a fresh snapshot. */
  async #catchUp(socket: WebSocket): Promise<void> {
    if (this.#port.state().gap || resumePoint(this.#port.state()) === null) {
      const snapshot = await this.#port.snapshot()
      if (socket !== this.#socket) return
      this.#port.receive([{ kind: 'snapshot', snapshot }])
    }
    const since = resumePoint(this.#port.state()) ?? 0
    socket.send(JSON.stringify({ action: 'subscribe', channels: privateChannels, since }))
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
    this.#tell({ kind: 'stream', message: JSON.parse(text) as StreamMessage })
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return
    this.#socket = null
    this.#ready = false
    if (code === tokenRefused) {
      this.#tell({ kind: 'connection', connection: 'refused' })
      this.#port.refused()
      return
    }
    if (code !== fellBehind) this.#failures += 1
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
    if (!hadGap && this.#port.state().gap) void this.#repair()
  }

  async #repair(): Promise<void> {
    const socket = this.#socket
    if (socket === null || !this.#ready) return
    try {
      await new Promise((resume) => setTimeout(resume, repairPauseMs))
      await this.#catchUp(socket)
    } catch {
      socket.close()
    }
  }
}

/** Twice as long after each failure, with some chance in it so that not all return at once. */
export function waitBefore(attempt: number, chance: number = Math.random()): number {
  const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(longest * (0.75 + chance / 4))
}
