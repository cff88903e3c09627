import { useComputedColorScheme } from '@mantine/core'
import {
  CandlestickSeries,
  HistogramSeries,
  LineStyle,
  createChart,
  type CandlestickData,
  type HistogramData,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type UTCTimestamp,
} from 'lightweight-charts'
import { useEffect, useRef } from 'react'

import { chartOptions, colour } from '../../components/chartLook'
import type { Candle } from './candles'

export interface PriceMark {
  id: string
  price: string
  tone: 'buy' | 'sell' | 'entry'
  title: string
}

interface CandleChartProps {
  candles: readonly Candle[]
  marks: readonly PriceMark[]
  decimals: number
  daily: boolean
}

interface Drawn {
  chart: IChartApi
  price: ISeriesApi<'Candlestick'>
  volume: ISeriesApi<'Histogram'>
  lines: IPriceLine[]
  count: number
  firstTime: number
}

/** Wide enough to tell a candle from its neighbour. */
const candleWidth = 7

/** Draws candles on a canvas. The chart is made once; news only update its end. */
export function CandleChart({ candles, marks, decimals, daily }: CandleChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const drawn = useRef<Drawn | null>(null)
  const scheme = useComputedColorScheme()

  useEffect(() => {
    if (frame.current === null) return
    const made = newChart(frame.current, decimals, daily)
    drawn.current = made
    return () => {
      drawn.current = null
      made.chart.remove()
    }
    // The scheme is named because the colours are read when the chart is made.
  }, [decimals, daily, scheme])

  useEffect(() => {
    if (drawn.current !== null) draw(drawn.current, candles)
  }, [candles, decimals, daily, scheme])

  useEffect(() => {
    if (drawn.current !== null) drawMarks(drawn.current, marks)
  }, [marks, decimals, daily, scheme])

  const last = candles.at(-1)
  return (
    <div
      ref={frame}
      style={{ position: 'absolute', inset: 0 }}
      role="img"
      aria-label={`Candles; the last closes at ${last?.close.toFixed(decimals) ?? 'no price'}`}
    />
  )
}

function newChart(frame: HTMLDivElement, decimals: number, daily: boolean): Drawn {
  const chart = createChart(frame, chartOptions(daily))
  const price = chart.addSeries(CandlestickSeries, {
    upColor: colour('--desk-up'),
    downColor: colour('--desk-down'),
    wickUpColor: colour('--desk-up'),
    wickDownColor: colour('--desk-down'),
    borderVisible: false,
    priceFormat: { type: 'price', precision: decimals, minMove: 10 ** -decimals },
  })
  price.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.22 } })
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: 'volume',
    priceFormat: { type: 'volume' },
    lastValueVisible: false,
    priceLineVisible: false,
  })
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } })
  return { chart, price, volume, lines: [], count: 0, firstTime: 0 }
}

function draw(drawn: Drawn, candles: readonly Candle[]): void {
  const first = candles[0]
  if (first === undefined) return
  const grewByOne = candles.length - drawn.count <= 1 && candles.length >= drawn.count
  if (drawn.count > 0 && grewByOne && first.time === drawn.firstTime) {
    // The candle before the last may have had its final figures just now.
    candles.slice(-2).forEach((candle) => drawOne(drawn, candle))
  } else {
    drawAll(drawn, candles)
  }
  drawn.count = candles.length
  drawn.firstTime = first.time
}

function drawOne(drawn: Drawn, candle: Candle): void {
  const time = candle.time as UTCTimestamp
  drawn.price.update(priceOf(candle), isBehind(drawn, time))
  drawn.volume.update(volumeOf(candle), isBehind(drawn, time))
}

function isBehind(drawn: Drawn, time: UTCTimestamp): boolean {
  const newest = drawn.price.data().at(-1)?.time as UTCTimestamp | undefined
  return newest !== undefined && time < newest
}

function drawAll(drawn: Drawn, candles: readonly Candle[]): void {
  const firstDrawing = drawn.count === 0
  drawn.price.setData(candles.map(priceOf))
  drawn.volume.setData(candles.map(volumeOf))
  if (firstDrawing) {
    drawn.chart.timeScale().setVisibleLogicalRange({
      from: candles.length - drawn.chart.timeScale().width() / candleWidth,
      to: candles.length + 4,
    })
  }
}

function priceOf({ time, open, high, low, close }: Candle): CandlestickData<UTCTimestamp> {
  return { time: time as UTCTimestamp, open, high, low, close }
}

function volumeOf({ time, open, close, volume }: Candle): HistogramData<UTCTimestamp> {
  const tone = close >= open ? '--desk-up' : '--desk-down'
  return { time: time as UTCTimestamp, value: volume, color: `${colour(tone)}55` }
}

function drawMarks(drawn: Drawn, marks: readonly PriceMark[]): void {
  drawn.lines.forEach((line) => drawn.price.removePriceLine(line))
  drawn.lines = marks.map((mark) =>
    drawn.price.createPriceLine({
      price: Number(mark.price),
      title: mark.title,
      color: colour(
        mark.tone === 'entry'
          ? '--desk-dim'
          : mark.tone === 'buy'
            ? '--desk-up'
            : '--desk-down',
      ),
      lineStyle: mark.tone === 'entry' ? LineStyle.Dotted : LineStyle.Dashed,
      lineWidth: 1,
      axisLabelVisible: mark.tone !== 'entry',
    }),
  )
}
