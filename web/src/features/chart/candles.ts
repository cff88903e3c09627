/**
 * From bars on the wire to candles on the chart. The server has the past; the candle that is still
 * forming is put together here from one-minute bars, so it moves with the stream.
 */

import type { Bar, Timeframe } from '../../api/types'
import { instant } from '../../decimal/format'

/** Floats are for drawing only. `time` is in seconds, the start of the span. */
export interface Candle {
  time: number
  open: number
  high: number
  low: number
  close: number
  volume: number
}

export const secondsOf: Readonly<Record<Timeframe, number>> = {
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3_600,
  '1d': 86_400,
}

export const timeframes = Object.keys(secondsOf) as Timeframe[]

export function candleOf(bar: Bar): Candle {
  return {
    time: Math.floor(instant(bar.time).getTime() / 1_000),
    open: Number(bar.open),
    high: Number(bar.high),
    low: Number(bar.low),
    close: Number(bar.close),
    volume: Number(bar.volume),
  }
}

/** The start of the span that a time lies in; spans are counted from midnight UTC. */
export function spanStart(seconds: number, timeframe: Timeframe): number {
  return seconds - (seconds % secondsOf[timeframe])
}

/** Minutes gathered to candles of a longer span. Minutes are given oldest first, once each. */
export function gathered(minutes: readonly Candle[], timeframe: Timeframe): Candle[] {
  const candles: Candle[] = []
  for (const minute of minutes) {
    const time = spanStart(minute.time, timeframe)
    const last = candles.at(-1)
    if (last?.time === time) candles[candles.length - 1] = joined(last, minute)
    else candles.push({ ...minute, time })
  }
  return candles
}

function joined(candle: Candle, minute: Candle): Candle {
  return {
    ...candle,
    high: Math.max(candle.high, minute.high),
    low: Math.min(candle.low, minute.low),
    close: minute.close,
    volume: candle.volume + minute.volume,
  }
}

/** Later word wins: minutes fetched, then those of the stream. */
export function mergedMinutes(fetched: readonly Bar[], streamed: readonly Bar[]): Candle[] {
  const byTime = new Map<number, Candle>()
  for (const bar of [...fetched, ...streamed]) {
    const candle = candleOf(bar)
    byTime.set(candle.time, candle)
  }
  return [...byTime.values()].sort((left, right) => left.time - right.time)
}

/** Past candles, continued by fresher ones of the same spans and after. */
export function continued(past: readonly Candle[], fresh: readonly Candle[]): Candle[] {
  const [first] = fresh
  if (first === undefined) return [...past]
  return [...past.filter((candle) => candle.time < first.time), ...fresh]
}
