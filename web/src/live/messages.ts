/** Everything that can change what the desk knows. */

import type { Order } from '../api/types'
import type { Connection } from './state'

/** One message of `WS /api/v1/stream`. */
export interface StreamMessage {
  channel: string
  /** "snapshot" and "resync" carry the whole state of a channel, all others one news. */
  type: string
  seq?: number
  prev?: number | null
  account_id?: string
  data: unknown
}

export type LiveMessage =
  | { kind: 'connection'; connection: Connection; retryAt?: number }
  | { kind: 'stream'; message: StreamMessage }
  /** An order that a REST route told; the stream tells the same, perhaps a moment later. */
  | { kind: 'order'; order: Order }
  /** The newest orders, closed ones too. */
  | { kind: 'history'; orders: readonly Order[] }
