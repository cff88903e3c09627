import { describe, expect, it } from 'vitest'

import {
  formatAveragePrice,
  formatChange,
  formatFee,
  formatMoney,
  formatPrice,
  formatQuantity,
  formatSignedMoney,
  formatSize,
  instant,
  stepped,
} from './format'

describe('figures on the desk', () => {
  it.each([
    ['100000.00', '100,000.00'],
    ['0', '0.00'],
    ['1234567.895', '1,234,567.90'],
    ['-12.5', '−12.50'],
    [null, '–'],
    ['what', '–'],
    ['99999999999999999999.99', '99,999,999,999,999,999,999.99'],
  ])('money %s reads %s', (text, shown) => {
    expect(formatMoney(text)).toBe(shown)
  })

  it.each([
    ['12.5', '+12.50'],
    ['-12.5', '−12.50'],
    ['0.00', '0.00'],
    ['0.004', '0.00'],
    ['-0.004', '0.00'],
  ])('a gain of %s reads %s', (text, shown) => {
    expect(formatSignedMoney(text)).toBe(shown)
  })

  it.each([
    ['0.05', '0.05'],
    ['0.005', '0.005'],
    ['1.500000', '1.50'],
  ])('a fee of %s reads %s', (text, shown) => {
    expect(formatFee(text)).toBe(shown)
  })

  it.each([
    ['190.5', '0.01', '190.50'],
    ['190.5051', '0.01', '190.5051'],
    ['64250', '0.01', '64,250.00'],
    ['0.00001234', '0.00000001', '0.00001234'],
    ['12', '1', '12'],
    ['12', '0.25', '12.00'],
  ])('a price of %s with tick %s reads %s', (text, tick, shown) => {
    expect(formatPrice(text, tick)).toBe(shown)
  })

  it('an average price shows at most two digits more than the tick', () => {
    expect(formatAveragePrice('190.333333', '0.01')).toBe('190.3333')
    expect(formatAveragePrice('190.500000', '0.01')).toBe('190.50')
  })

  it.each([
    ['10', '10'],
    ['0.00010000', '0.0001'],
    ['1000', '1,000'],
  ])('a quantity of %s reads %s', (text, shown) => {
    expect(formatQuantity(text)).toBe(shown)
  })

  it.each([
    ['950', '950'],
    ['9500', '9,500'],
    ['12345', '12.3K'],
    ['1000000', '1M'],
    ['2500000000', '2.5B'],
    ['0.123456', '0.1235'],
  ])('a size of %s reads %s', (text, shown) => {
    expect(formatSize(text)).toBe(shown)
  })

  it.each([
    ['100', '101.25', '+1.25%'],
    ['100', '99', '−1.00%'],
    ['100', '100', '0.00%'],
    ['0', '1', '–'],
    [null, '1', '–'],
  ])('from %s to %s is %s', (from, to, shown) => {
    expect(formatChange(from, to)).toBe(shown)
  })

  it.each([
    ['10', '1', 1, '11'],
    ['', '1', 1, '1'],
    ['190.50', '0.01', -1, '190.49'],
    ['190.5', '0.01', 1, '190.51'],
    ['0', '1', -1, '0'],
    ['0.1', '0.0001', 1, '0.1001'],
  ] as const)(
    '%j with a step of %s in direction %i becomes %s',
    (text, step, direction, next) => {
      expect(stepped(text, step, direction)).toBe(next)
    },
  )

  it('reads times with nanoseconds', () => {
    expect(instant('2026-11-20T10:46:00.123456789Z').toISOString()).toBe(
      '2026-11-20T10:46:00.123Z',
    )
  })
})
