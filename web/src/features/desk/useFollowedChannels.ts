import { useEffect, useMemo } from 'react'

import { useDesk } from '../../live/store'
import type { Stream } from '../../live/stream'
import { useInstruments } from './useInstruments'

/** A quote for each row of the watchlist is enough; a longer list shows the first ones live. */
const quotesMax = 200

/** Subscribes to what the desk shows: all quotes, and book, prints and bars of the chosen symbol. */
export function useFollowedChannels(stream: Stream | null): void {
  const symbol = useDesk((state) => state.chosen.symbol)
  const { instruments } = useInstruments()
  const channels = useMemo(() => channelsFor(instruments, symbol), [instruments, symbol])
  useEffect(() => stream?.follow(channels), [stream, channels])
}

export function channelsFor(
  instruments: readonly { symbol: string }[],
  symbol: string | null,
): string[] {
  const quotes = instruments.slice(0, quotesMax).map((each) => `quotes:${each.symbol}`)
  if (symbol === null) return quotes
  return [...quotes, `book:${symbol}`, `trades:${symbol}`, `bars:${symbol}:1m`]
}
