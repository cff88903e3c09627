/** The book as rows to draw: each level with the depth up to it. */

import type { Level } from '../../api/types'
import {
  add,
  decimal,
  multiply,
  subtract,
  sign,
  zero,
  divide,
  type Decimal,
} from '../../decimal/decimal'

export interface Row {
  price: string
  qty: string
  orders: number
  /** Cumulative depth in percent of the deepest row shown, for the width of the bar. */
  depth: number
}

export const levelsShown = 10

/** Rows of both sides, best first, measured on one scale so the sides can be compared. */
export function depthRows(bids: readonly Level[], asks: readonly Level[]) {
  const bidSums = cumulative(bids.slice(0, levelsShown))
  const askSums = cumulative(asks.slice(0, levelsShown))
  const deepest = Math.max(lastOf(bidSums), lastOf(askSums))
  return { bids: rows(bids, bidSums, deepest), asks: rows(asks, askSums, deepest) }
}

function cumulative(levels: readonly Level[]): Decimal[] {
  let sum = zero
  return levels.map(([, qty]) => (sum = add(sum, decimal(qty))))
}

/** The width of a bar needs no cents. */
function lastOf(sums: readonly Decimal[]): number {
  return asFloat(sums.at(-1) ?? zero)
}

function asFloat(value: Decimal): number {
  return Number(value.units) / 10 ** value.scale
}

function rows(levels: readonly Level[], sums: readonly Decimal[], deepest: number): Row[] {
  return sums.map((sum, at) => {
    const [price = '', qty = '', orders = 0] = levels[at] ?? []
    const depth = deepest === 0 ? 0 : (asFloat(sum) / deepest) * 100
    return { price, qty, orders, depth }
  })
}

/** The distance between best bid and best ask, and what part of the middle it is, in percent. */
export function spreadOf(
  bids: readonly Level[],
  asks: readonly Level[],
): { spread: Decimal; percent: Decimal | null } | null {
  const [bid] = bids
  const [ask] = asks
  if (bid === undefined || ask === undefined) return null
  const spread = subtract(decimal(ask[0]), decimal(bid[0]))
  if (sign(spread) < 0) return null
  const twiceMiddle = add(decimal(bid[0]), decimal(ask[0]))
  const percent = divide(multiply(spread, { units: 200n, scale: 0 }), twiceMiddle, 3)
  return { spread, percent }
}
