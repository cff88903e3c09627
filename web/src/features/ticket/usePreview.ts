import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { exchange } from '../../api/exchange'
import type { OrderRequest, Preview } from '../../api/types'

export const previewDelayMs = 250
/** The market moves while an order is being thought over. */
const refreshMs = 4_000

interface LivePreview {
  preview: Preview | undefined
  error: Error | null
  /** The figures are of the draft a moment ago; those of this one are on their way. */
  stale: boolean
}

/** What the exchange would say to this order now; nothing is sent. */
export function usePreview(order: OrderRequest | null): LivePreview {
  const [settled] = useDebouncedValue(order, previewDelayMs)
  const query = useQuery({
    queryKey: ['preview', settled],
    queryFn: ({ signal }) => {
      if (settled === null) throw new Error('there is no order to preview')
      return exchange.preview(settled, signal)
    },
    enabled: settled !== null,
    placeholderData: keepPreviousData,
    refetchInterval: refreshMs,
    retry: false,
    gcTime: 10_000,
  })
  if (order === null || settled === null) {
    return { preview: undefined, error: null, stale: false }
  }
  const stale = query.isPlaceholderData || JSON.stringify(settled) !== JSON.stringify(order)
  return { preview: query.data, error: stale ? null : query.error, stale }
}
