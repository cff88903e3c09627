/**
 * The wire shapes by the names that the desk uses. All come from the generated schema; only what
 * travels over the stream alone, and is not in the OpenAPI document, is written here.
 */

import type { components } from './schema'

type Schemas = components['schemas']

export type Account = Schemas['AccountReply']
export type Position = Schemas['PositionReply']
export type Order = Schemas['OrderReply']
export type Fill = Schemas['FillReply']
export type Quote = Schemas['QuoteReply']
export type Bar = Schemas['BarReply']
export type Book = Schemas['BookReply']
export type Instrument = Schemas['InstrumentReply']
export type EquityPoint = Schemas['EquityPoint']
export type Preview = Schemas['PreviewReply']
export type Verdict = Schemas['Objection']

/** What the server also takes as a number, the desk sends as text only. */
type AsText<Body, Figure extends keyof Body> = Omit<Body, Figure> &
  Partial<Record<Figure, string>>

export type OrderRequest = AsText<Schemas['OrderRequest'], 'limit_price' | 'stop_price'> & {
  qty: string
  time_in_force: TimeInForce
}
export type ReplaceRequest = AsText<
  Schemas['ReplaceRequest'],
  'qty' | 'limit_price' | 'stop_price'
>

export type Side = Order['side']
export type OrderType = Order['type']
export type TimeInForce = Order['time_in_force']
export type OrderStatus = Order['status']
export type Timeframe = '1m' | '5m' | '15m' | '1h' | '1d'

/** [price, quantity, number of orders] */
export type Level = Book['bids'][number]

/** One trade of the tape, as the stream tells it. */
export interface Print {
  time: string
  price: string
  qty: string
  side: Side | null
}
