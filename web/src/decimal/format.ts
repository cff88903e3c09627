/**
 * How figures look on the desk. Text goes in, text comes out; nothing passes through a float.
 * Negative figures carry a true minus sign, which has the width of a digit.
 */

import {
  add,
  compare,
  decimalText,
  divide,
  multiply,
  parseDecimal,
  round,
  sign,
  subtract,
  trimmed,
  type Decimal,
} from './decimal'

const minus = '\u2212'
/** What stands where there is no figure. */
export const nothing = '–'

type Figure = Decimal | string | null | undefined

function read(figure: Figure): Decimal | null {
  if (figure === null || figure === undefined) return null
  return typeof figure === 'string' ? parseDecimal(figure) : figure
}

function grouped(plain: string): string {
  const negative = plain.startsWith('-')
  const [whole = '', fraction] = (negative ? plain.slice(1) : plain).split('.')
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  const text = fraction === undefined ? groups : `${groups}.${fraction}`
  return negative ? minus + text : text
}

/** Money, rounded to cents: "100,000.00". */
export function formatMoney(figure: Figure): string {
  const value = read(figure)
  return value === null ? nothing : grouped(decimalText(round(value, 2)))
}

/** Money with its sign always shown: "+12.50"; zero carries none. */
export function formatSignedMoney(figure: Figure): string {
  const value = read(figure)
  if (value === null) return nothing
  const cents = round(value, 2)
  return (sign(cents) > 0 ? '+' : '') + grouped(decimalText(cents))
}

/** A fee can be half a cent; it is shown with the digits it has, two at least. */
export function formatFee(figure: Figure): string {
  const value = read(figure)
  if (value === null) return nothing
  const short = trimmed(value)
  return grouped(decimalText(round(short, Math.max(2, short.scale))))
}

/** A price with at least the decimals of its tick; more only when it has them. */
export function formatPrice(figure: Figure, tickSize = '0.01'): string {
  const value = read(figure)
  if (value === null) return nothing
  const short = trimmed(value)
  return grouped(decimalText(round(short, Math.max(short.scale, tickDecimals(tickSize)))))
}

/** An average price has endless digits; two more than the tick are enough to read. */
export function formatAveragePrice(figure: Figure, tickSize = '0.01'): string {
  const value = read(figure)
  if (value === null) return nothing
  return formatPrice(trimmed(round(value, tickDecimals(tickSize) + 2)), tickSize)
}

export function formatQuantity(figure: Figure): string {
  const value = read(figure)
  return value === null ? nothing : grouped(decimalText(trimmed(value)))
}

/** A large size in few characters: "12.3K". For the book and volume, where width is short. */
export function formatSize(figure: Figure): string {
  const value = read(figure)
  if (value === null) return nothing
  for (const { letter, from, unit } of sizes) {
    const scaled = compare(value, from) >= 0 ? divide(value, unit, 1) : null
    if (scaled !== null) return decimalText(trimmed(scaled)) + letter
  }
  return formatQuantity(trimmed(round(value, 4)))
}

/** Thousands are shortened only from ten thousand on: "9,500" is as short as "9.5K". */
const sizes: readonly { letter: string; from: Decimal; unit: Decimal }[] = [
  { letter: 'B', from: powerOfTen(9), unit: powerOfTen(9) },
  { letter: 'M', from: powerOfTen(6), unit: powerOfTen(6) },
  { letter: 'K', from: powerOfTen(4), unit: powerOfTen(3) },
]

function powerOfTen(zeros: number): Decimal {
  return { units: 10n ** BigInt(zeros), scale: 0 }
}

/** The change from one figure to another in percent: "+1.25%". */
export function formatChange(from: Figure, to: Figure): string {
  const change = changeInPercent(from, to)
  if (change === null) return nothing
  return `${sign(change) > 0 ? '+' : ''}${grouped(decimalText(change))}%`
}

export function changeInPercent(from: Figure, to: Figure): Decimal | null {
  const before = read(from)
  const after = read(to)
  if (before === null || after === null) return null
  return divide(multiply(subtract(after, before), { units: 100n, scale: 0 }), before, 2)
}

export function tickDecimals(tickSize: string): number {
  return trimmed(parseDecimal(tickSize) ?? { units: 1n, scale: 2 }).scale
}

/** One tick, lot or step more or less, and never below zero: the arrow keys of a field. */
export function stepped(text: string, step: string, direction: 1 | -1): string {
  const value = parseDecimal(text) ?? { units: 0n, scale: 0 }
  const size = parseDecimal(step) ?? { units: 1n, scale: 0 }
  const next = direction === 1 ? add(value, size) : subtract(value, size)
  if (sign(next) < 0) return '0'
  return decimalText(round(next, Math.max(next.scale, tickDecimals(step))))
}

/** The wall-clock time of day of an RFC 3339 text: "14:03:59". */
export function formatTime(text: string): string {
  return timeOfDay.format(instant(text))
}

/** Day and time: "20 Nov 14:03:59"; with the year when it is not this one, as in a replay. */
export function formatMoment(text: string): string {
  const moment = instant(text)
  const thisYear = moment.getFullYear() === new Date().getFullYear()
  return (thisYear ? dayAndTime : dateAndTime).format(moment).replace(',', '')
}

/** Browsers read milliseconds; the server writes nanoseconds. */
export function instant(text: string): Date {
  return new Date(text.replace(/(\.\d{3})\d*/, '$1'))
}

const timeOfDay = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

const dateAndTime = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
