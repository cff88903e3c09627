import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo, useState } from 'react'

import { exchange } from '../../api/exchange'
import type { Bar, Instrument, Timeframe } from '../../api/types'
import { sentenceOf } from '../../api/problem'
import { Empty } from '../../components/Empty'
import { tickDecimals } from '../../decimal/format'
import { isOpen } from '../../live/state'
import { useDesk } from '../../live/store'
import {
  candleOf,
  continued,
  gathered,
  mergedMinutes,
  spanStart,
  timeframes,
  type Candle,
} from './candles'
import type { PriceMark } from './CandleChart'
import classes from './ChartPanel.module.css'
import { QuoteLine } from './QuoteLine'

const CandleChart = lazy(() =>
  import('./CandleChart').then((module) => ({ default: module.CandleChart })),
)

const pastCandles = 500
const noBars: readonly Bar[] = []

/** The chosen instrument: its quote, its candles, and where own orders and holdings stand. */
export function ChartPanel({ instrument }: { instrument: Instrument }) {
  const [timeframe, setTimeframe] = useState<Timeframe>('1m')
  const { candles, error, loading } = useCandles(instrument.symbol, timeframe)
  const marks = usePriceMarks(instrument.symbol)
  return (
    <section className={classes.panel} aria-label={`Chart of ${instrument.symbol}`}>
      <header className={classes.heading}>
        <QuoteLine instrument={instrument} />
        <SegmentedControl
          size="xs"
          aria-label="Length of a candle"
          data={timeframes}
          value={timeframe}
          onChange={(value) => setTimeframe(value)}
        />
      </header>
      <div className={classes.canvas}>
        {error !== null && <Empty>{sentenceOf(error)}</Empty>}
        {!loading && error === null && candles.length === 0 && (
          <Empty>No trade yet. The first candle comes with the first print.</Empty>
        )}
        {candles.length > 0 && (
          <Suspense fallback={null}>
            <CandleChart
              // Another symbol or span is another chart, with its own zoom.
              key={`${instrument.symbol} ${timeframe}`}
              candles={candles}
              marks={marks}
              decimals={tickDecimals(instrument.tick_size)}
              daily={timeframe === '1d'}
            />
          </Suspense>
        )}
      </div>
    </section>
  )
}

function useCandles(symbol: string, timeframe: Timeframe) {
  const past = useQuery({
    queryKey: ['bars', symbol, timeframe],
    queryFn: async () => (await exchange.bars(symbol, timeframe, { limit: pastCandles })).items,
    staleTime: 0,
    refetchOnWindowFocus: true,
  })
  const newest = past.data?.at(-1)
  // The minutes of the newest span, so that what forms is exact and not only its end.
  const minutes = useQuery({
    queryKey: ['minutes', symbol, timeframe, newest?.time],
    queryFn: async () =>
      (await exchange.bars(symbol, '1m', minutesOf(newest, timeframe))).items,
    enabled: newest !== undefined && timeframe !== '1m',
    staleTime: 0,
  })
  const streamed = useDesk((state) => state.live.minutes[symbol] ?? noBars)
  const candles = useMemo((): Candle[] => {
    const known = (past.data ?? []).map(candleOf)
    if (timeframe === '1m')
      return continued(known, withoutOlder(mergedMinutes([], streamed), known))
    if (minutes.data === undefined) return known
    return continued(known, gathered(mergedMinutes(minutes.data, streamed), timeframe))
  }, [past.data, minutes.data, streamed, timeframe])
  return { candles, error: past.error, loading: past.isPending }
}

function minutesOf(newest: Bar | undefined, timeframe: Timeframe) {
  if (newest === undefined) return {}
  const start = spanStart(candleOf(newest).time, timeframe)
  return { start: new Date(start * 1_000).toISOString(), limit: 1_500 }
}

/** What the stream brought before the fetch is in the fetch. */
function withoutOlder(streamed: readonly Candle[], fetched: readonly Candle[]): Candle[] {
  const newest = fetched.at(-1)?.time ?? 0
  return streamed.filter((candle) => candle.time >= newest)
}

/** Own resting prices and the average entry, as lines on the chart. */
function usePriceMarks(symbol: string): readonly PriceMark[] {
  const orders = useDesk((state) => state.live.orders)
  const position = useDesk((state) => state.live.positions[symbol])
  return useMemo(() => {
    const marks: PriceMark[] = Object.values(orders)
      .filter((order) => order.symbol === symbol && isOpen(order))
      .flatMap((order) => {
        const price = order.limit_price ?? order.stop_price
        return price === null
          ? []
          : [{ id: order.id, price, tone: order.side, title: order.side }]
      })
    if (position === undefined) return marks
    return [
      ...marks,
      { id: 'entry', price: position.avg_entry_price, tone: 'entry', title: 'entry' },
    ]
  }, [orders, position, symbol])
}
