/**
 * What holdings are worth at the quotes of this moment. The server values an account when it is
 * asked or when something of it changes; between these the desk follows the market by itself,
 * with the server's rule: a position is worth its quantity at the reference mid.
 */

import type { Position, Quote } from '../api/types'
import {
  add,
  decimal,
  half,
  multiply,
  parseDecimal,
  subtract,
  type Decimal,
} from '../decimal/decimal'
import type { LiveState } from './state'

export interface ValuedPosition extends Position {
  valueNow: Decimal | null
  profitNow: Decimal | null
  priceNow: Decimal | null
}

/** The middle between bid and ask, else the last price. */
export function referencePrice(quote: Quote | undefined): Decimal | null {
  if (quote === undefined) return null
  const bid = quote.bid === null ? null : parseDecimal(quote.bid)
  const ask = quote.ask === null ? null : parseDecimal(quote.ask)
  if (bid !== null && ask !== null) return half(add(bid, ask))
  return quote.last === null ? null : parseDecimal(quote.last)
}

export function valuedPosition(position: Position, quote: Quote | undefined): ValuedPosition {
  const live = referencePrice(quote)
  if (live === null) {
    return {
      ...position,
      valueNow: optional(position.market_value),
      profitNow: optional(position.unrealized_pl),
      priceNow: optional(position.current_price),
    }
  }
  const valueNow = multiply(decimal(position.qty), live)
  const profitNow = subtract(valueNow, decimal(position.cost_basis))
  return { ...position, valueNow, profitNow, priceNow: live }
}

function optional(text: string | null): Decimal | null {
  return text === null ? null : parseDecimal(text)
}

/** Cash and everything held, valued now; the server's own figure while a value is unknown. */
export function equityNow(
  state: Pick<LiveState, 'account' | 'positions' | 'quotes'>,
): Decimal | null {
  if (state.account === null) return null
  let equity = decimal(state.account.cash)
  for (const position of Object.values(state.positions)) {
    const { valueNow } = valuedPosition(position, state.quotes[position.symbol])
    if (valueNow === null) return decimal(state.account.equity)
    equity = add(equity, valueNow)
  }
  return equity
}
