import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  add,
  compare,
  decimal,
  decimalText,
  divide,
  half,
  multiply,
  parseDecimal,
  round,
  subtract,
  trimmed,
} from './decimal'

describe('a decimal', () => {
  it.each([
    ['0', '0'],
    ['10.01', '10.01'],
    ['-0.5', '-0.5'],
    ['+3', '3'],
    [' 7.0 ', '7.0'],
    ['007', '7'],
    ['123456789012345678901234567890.000000001', '123456789012345678901234567890.000000001'],
  ])('reads %j and writes %j', (text, written) => {
    expect(decimalText(decimal(text))).toBe(written)
  })

  it.each(['', '.', '1.', '.5', '1e3', '0x10', 'NaN', '1,000', '--1', '1 2', '−1'])(
    'does not read %j',
    (text) => {
      expect(parseDecimal(text)).toBeNull()
    },
  )

  it('adds tenths without the error of floats', () => {
    expect(decimalText(add(decimal('0.1'), decimal('0.2')))).toBe('0.3')
  })

  it.each([
    ['10.005', 2, '10.01'],
    ['10.004', 2, '10.00'],
    ['-10.005', 2, '-10.01'],
    ['0.4', 0, '0'],
    ['1', 2, '1.00'],
  ])('rounds %s to %i digits as %s, half away from zero', (text, scale, rounded) => {
    expect(decimalText(round(decimal(text), scale))).toBe(rounded)
  })

  it.each([
    ['1', '3', '0.3333'],
    ['2', '3', '0.6667'],
    ['-2', '3', '-0.6667'],
    ['1', '0.0003', '3333.3333'],
    ['0.00001', '1', '0.0000'],
  ])('divides %s by %s to %s', (left, right, quotient) => {
    const result = divide(decimal(left), decimal(right), 4)
    expect(result && decimalText(result)).toBe(quotient)
  })

  it('has no quotient by zero', () => {
    expect(divide(decimal('1'), decimal('0.00'), 2)).toBeNull()
  })

  it('drops zeros that say nothing', () => {
    expect(decimalText(trimmed(decimal('10.500')))).toBe('10.5')
    expect(decimalText(trimmed(decimal('100')))).toBe('100')
  })
})

const anyDecimal = fc
  .record({ units: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), scale: fc.nat(12) })
  .map((value) => value)

describe('arithmetic on any decimals', () => {
  it('survives writing and reading', () => {
    fc.assert(
      fc.property(anyDecimal, (value) => {
        expect(decimal(decimalText(value))).toEqual(value)
      }),
    )
  })

  it('subtracts what it added', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, (left, right) => {
        expect(compare(subtract(add(left, right), right), left)).toBe(0)
      }),
    )
  })

  it('distributes products over sums', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, anyDecimal, (a, b, c) => {
        expect(compare(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c)))).toBe(0)
      }),
    )
  })

  it('doubles a half to the whole', () => {
    fc.assert(
      fc.property(anyDecimal, (value) => {
        expect(compare(add(half(value), half(value)), value)).toBe(0)
      }),
    )
  })
})
