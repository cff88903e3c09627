import { useQuery } from '@tanstack/react-query'

import { exchange } from '../../api/exchange'
import type { EquityPoint } from '../../api/types'
import { useDesk } from '../../live/store'

/** Two days of minutes fit. */
const pointsShown = 1_000
const noPoints: readonly EquityPoint[] = []

/** The account's equity by the minute, oldest first. */
export function useEquityHistory(): readonly EquityPoint[] {
  const accountId = useDesk((state) => state.live.account?.id)
  const query = useQuery({
    queryKey: ['equity', accountId],
    queryFn: async () => {
      const { items } = await exchange.equity(accountId ?? '', pointsShown)
      return [...items].sort((left, right) => (left.time < right.time ? -1 : 1))
    },
    enabled: accountId !== undefined,
    // A world's clock may run faster than ours.
    refetchInterval: 15_000,
  })
  return query.data ?? noPoints
}

/** The equity that the newest day (UTC, of the world's clock) began with. */
export function dayStartEquity(points: readonly EquityPoint[]): string | null {
  const day = points.at(-1)?.time.slice(0, 10)
  if (day === undefined) return null
  const before = points.findLast((point) => point.time.slice(0, 10) < day)
  return (before ?? points[0])?.equity ?? null
}
