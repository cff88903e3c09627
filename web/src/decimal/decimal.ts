/**
 * Exact decimals for the page: a whole number and how many of its digits stand after the point.
 *
 * Money, prices and quantities reach the page as text ("10.01") and are never turned into floats:
 * 0.1 + 0.2 must be 0.3 here too. Only the charts draw floats, because pixels need no cents.
 */

export interface Decimal {
  readonly units: bigint
  readonly scale: number
}

export const zero: Decimal = { units: 0n, scale: 0 }

const pattern = /^([+-]?)(\d+)(?:\.(\d+))?$/

/** Reads "-10.01"; null when the text is not a plain decimal number. */
export function parseDecimal(text: string): Decimal | null {
  const match = pattern.exec(text.trim())
  if (match === null) return null
  const [, sign, whole = '', fraction = ''] = match
  const units = BigInt(whole + fraction)
  return { units: sign === '-' ? -units : units, scale: fraction.length }
}

/** Reads a number that the server wrote; text that is none is a fault worth seeing. */
export function decimal(text: string): Decimal {
  const value = parseDecimal(text)
  if (value === null) throw new RangeError(`not a decimal number: "${text}"`)
  return value
}

function unitsAt(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale)
}

export function add(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale)
  return { units: unitsAt(left, scale) + unitsAt(right, scale), scale }
}

export function negate(value: Decimal): Decimal {
  return { units: -value.units, scale: value.scale }
}

export function subtract(left: Decimal, right: Decimal): Decimal {
  return add(left, negate(right))
}

export function multiply(left: Decimal, right: Decimal): Decimal {
  return { units: left.units * right.units, scale: left.scale + right.scale }
}

/** Half of a value is exact with one more digit. */
export function half(value: Decimal): Decimal {
  return { units: value.units * 5n, scale: value.scale + 1 }
}

export function compare(left: Decimal, right: Decimal): -1 | 0 | 1 {
  const scale = Math.max(left.scale, right.scale)
  const difference = unitsAt(left, scale) - unitsAt(right, scale)
  return difference === 0n ? 0 : difference > 0n ? 1 : -1
}

export function sign(value: Decimal): -1 | 0 | 1 {
  return value.units === 0n ? 0 : value.units > 0n ? 1 : -1
}

/** Rounds half away from zero to `scale` digits; fewer digits than that are filled with zeros. */
export function round(value: Decimal, scale: number): Decimal {
  if (value.scale <= scale) return { units: unitsAt(value, scale), scale }
  return { units: roundedQuotient(value.units, 10n ** BigInt(value.scale - scale)), scale }
}

/** left / right, rounded half away from zero to `scale` digits; null when right is zero. */
export function divide(left: Decimal, right: Decimal, scale: number): Decimal | null {
  if (right.units === 0n) return null
  const shift = scale + right.scale - left.scale
  const numerator = shift >= 0 ? left.units * 10n ** BigInt(shift) : left.units
  const denominator = shift >= 0 ? right.units : right.units * 10n ** BigInt(-shift)
  return { units: roundedQuotient(numerator, denominator), scale }
}

function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n
  const top = numerator < 0n ? -numerator : numerator
  const bottom = denominator < 0n ? -denominator : denominator
  const quotient = (top * 2n + bottom) / (bottom * 2n)
  return negative ? -quotient : quotient
}

/** Drops the zeros that say nothing: 10.50 becomes 10.5, 10.00 becomes 10. */
export function trimmed(value: Decimal): Decimal {
  let { units, scale } = value
  while (scale > 0 && units % 10n === 0n) {
    units /= 10n
    scale -= 1
  }
  return { units, scale }
}

/** Plain text as the wire carries it: "-10.01". */
export function decimalText(value: Decimal): string {
  const digits = (value.units < 0n ? -value.units : value.units).toString()
  const padded = digits.padStart(value.scale + 1, '0')
  const whole = padded.slice(0, padded.length - value.scale)
  const fraction = padded.slice(padded.length - value.scale)
  const text = value.scale === 0 ? whole : `${whole}.${fraction}`
  return value.units < 0n ? `-${text}` : text
}

export function isDecimalText(text: string): boolean {
  return parseDecimal(text) !== null
}
