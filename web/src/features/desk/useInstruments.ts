import { useQuery } from '@tanstack/react-query'

import { exchange } from '../../api/exchange'
import type { Instrument } from '../../api/types'
import { useDesk } from '../../live/store'

const none: readonly Instrument[] = []

/** All that can be traded, sorted by symbol. */
export function useInstruments() {
  const query = useQuery({
    queryKey: ['instruments'],
    queryFn: async () => (await exchange.instruments()).items,
    staleTime: 5 * 60_000,
  })
  return { instruments: query.data ?? none, error: query.error, loading: query.isPending }
}

/** The instrument that the desk shows; null until the list is there. */
export function useChosenInstrument(): Instrument | null {
  const symbol = useDesk((state) => state.chosen.symbol)
  const { instruments } = useInstruments()
  return instruments.find((instrument) => instrument.symbol === symbol) ?? null
}

/** The tick of a symbol, to write its prices by. */
export function useTickOf(): (symbol: string) => string {
  const { instruments } = useInstruments()
  return (symbol) =>
    instruments.find((instrument) => instrument.symbol === symbol)?.tick_size ?? '0.01'
}
