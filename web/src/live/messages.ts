/** Everything that can change what the desk knows. */

import type { Account, Fill, Order, Position } from '../api/types'
import type { Connection } from './state'

/** One message of `WS /api/v1/stream`; `data` is checked for its shape where it is used. */
export interface StreamMessage {
  channel: string
  type: string
  seq?: number
  prev?: number | null
  data: unknown
}

/** The state of one account as the REST routes tell it; everything up to `asOfSeq` is in it. */
export interface Snapshot {
  asOfSeq: number
  account: Account
  positions: readonly Position[]
  orders: readonly Order[]
  /** Newest first. */
  fills: readonly Fill[]
}

export type LiveMessage =
  | { kind: 'connection'; connection: Connection; retryAt?: number }
  | { kind: 'snapshot'; snapshot: Snapshot }
  | { kind: 'stream'; message: StreamMessage }
  /** The reply of an order route; the stream tells the same, perhaps a moment later. */
  | { kind: 'order'; order: Order }
  | { kind: 'signed_out' }
