import { describe, expect, it } from 'vitest'

import type { Bar } from '../../api/types'
import { candleOf, continued, gathered, mergedMinutes, spanStart, type Candle } from './candles'

const minute = (at: number, [open, high, low, close]: number[], volume = 1): Candle => ({
  time: at * 60,
  open: open ?? 0,
  high: high ?? 0,
  low: low ?? 0,
  close: close ?? 0,
  volume,
})

const bar = (time: string, close: string): Bar => ({
  time,
  open: '1',
  high: '1',
  low: '1',
  close,
  volume: '1',
})

describe('candles', () => {
  it('begin at the start of their span', () => {
    expect(spanStart(3_725, '1m')).toBe(3_720)
    expect(spanStart(3_725, '1h')).toBe(3_600)
    expect(spanStart(86_399, '1d')).toBe(0)
  })

  it('read the time of a bar in nanoseconds', () => {
    expect(candleOf(bar('1970-01-01T00:01:00.000000000Z', '1')).time).toBe(60)
  })

  it('gather minutes: first open, highest high, lowest low, last close, all volume', () => {
    const minutes = [
      minute(0, [10, 12, 9, 11], 5),
      minute(4, [11, 15, 11, 14], 6),
      minute(5, [14, 14, 8, 9], 7),
    ]
    expect(gathered(minutes, '5m')).toEqual([
      { time: 0, open: 10, high: 15, low: 9, close: 14, volume: 11 },
      { time: 300, open: 14, high: 14, low: 8, close: 9, volume: 7 },
    ])
  })

  it('take the later word on a minute', () => {
    const fetched = [bar('2026-11-20T10:00:00Z', '1'), bar('2026-11-20T10:01:00Z', '2')]
    const streamed = [bar('2026-11-20T10:01:00Z', '3'), bar('2026-11-20T10:02:00Z', '4')]
    expect(mergedMinutes(fetched, streamed).map((candle) => candle.close)).toEqual([1, 3, 4])
  })

  it('continue the past with what is fresher', () => {
    const past = [minute(0, [1]), minute(1, [2]), minute(2, [3])]
    expect(continued(past, [minute(2, [9]), minute(3, [9])]).map((each) => each.open)).toEqual([
      1, 2, 9, 9,
    ])
    expect(continued(past, [])).toEqual(past)
  })
})
