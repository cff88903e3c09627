import { expect, it } from 'vitest'

import { dayStartEquity } from './useEquityHistory'

const point = (time: string, equity: string) => ({ time, equity, cash: '0.00' })

it.each([
  ['nothing', [], null],
  [
    'the first point, on the first day',
    [
      ['20T09:00', '1'],
      ['20T10:00', '2'],
    ],
    '1',
  ],
  [
    'the last point of the day before',
    [
      ['19T09:00', '1'],
      ['19T22:00', '2'],
      ['20T10:00', '3'],
    ],
    '2',
  ],
])('a day begins with %s', (_, points, equity) => {
  const curve = points.map(([time = '', value = '']) => point(`2026-11-${time}:00Z`, value))
  expect(dayStartEquity(curve)).toBe(equity)
})
