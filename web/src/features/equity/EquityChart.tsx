import { useComputedColorScheme } from '@mantine/core'
import {
  BaselineSeries,
  createChart,
  type IChartApi,
  type ISeriesApi,
  type UTCTimestamp,
} from 'lightweight-charts'
import { useEffect, useRef } from 'react'

import type { EquityPoint } from '../../api/types'
import { chartOptions, colour } from '../../components/chartLook'
import { formatMoney, instant } from '../../decimal/format'

interface Drawn {
  chart: IChartApi
  line: ISeriesApi<'Baseline'>
}

/** Above where it began the curve is green, below it red. */
export function EquityChart({
  points,
  now,
}: {
  points: readonly EquityPoint[]
  now: string | null
}) {
  const frame = useRef<HTMLDivElement>(null)
  const drawn = useRef<Drawn | null>(null)
  const scheme = useComputedColorScheme()

  useEffect(() => {
    if (frame.current === null) return
    const made = newChart(frame.current)
    drawn.current = made
    return () => {
      drawn.current = null
      made.chart.remove()
    }
  }, [scheme])

  useEffect(() => {
    if (drawn.current !== null) draw(drawn.current, points)
  }, [points, scheme])

  useEffect(() => {
    const last = points.at(-1)
    if (drawn.current === null || last === undefined || now === null) return
    drawn.current.line.update({ time: secondsOf(last.time), value: Number(now) })
  }, [now, points, scheme])

  return (
    <div
      ref={frame}
      style={{ position: 'absolute', inset: 0 }}
      role="img"
      aria-label={`Equity curve; now ${formatMoney(now)}`}
    />
  )
}

function newChart(frame: HTMLDivElement): Drawn {
  const options = chartOptions(false)
  const chart = createChart(frame, {
    ...options,
    // The candle chart carries the attribution for both.
    layout: { ...options.layout, attributionLogo: false },
    handleScale: false,
    handleScroll: false,
  })
  const line = chart.addSeries(BaselineSeries, {
    lineWidth: 2,
    topLineColor: colour('--desk-up'),
    topFillColor1: colour('--desk-up-wash'),
    topFillColor2: colour('--desk-up-wash'),
    bottomLineColor: colour('--desk-down'),
    bottomFillColor1: colour('--desk-down-wash'),
    bottomFillColor2: colour('--desk-down-wash'),
    priceLineVisible: false,
    priceFormat: { type: 'price', precision: 2, minMove: 0.01 },
  })
  return { chart, line }
}

function draw({ chart, line }: Drawn, points: readonly EquityPoint[]): void {
  const data = points.map((point) => ({
    time: secondsOf(point.time),
    value: Number(point.equity),
  }))
  line.applyOptions({ baseValue: { type: 'price', price: data[0]?.value ?? 0 } })
  line.setData(data)
  chart.timeScale().fitContent()
}

function secondsOf(time: string): UTCTimestamp {
  return Math.floor(instant(time).getTime() / 1_000) as UTCTimestamp
}
