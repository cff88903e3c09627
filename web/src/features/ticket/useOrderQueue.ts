import { useEffect, useRef, useState } from 'react'

import type { OrderRequest } from '../../api/types'
import { useSubmit } from './useSubmit'

/** An order refused when another was written already, and those behind it that were not sent. */
export interface Stopped {
  refused: OrderRequest
  error: unknown
  unsent: readonly OrderRequest[]
}

/**
 * Sends orders one after the other: what is written while one is on its way goes out after it. A
 * refusal stops those behind it, for they were written in the belief that it would be taken (a
 * sale of what was just bought). Pressing twice sends once.
 */
export function useOrderQueue(written: OrderRequest | null) {
  const sending = useSubmit()
  const [stopped, setStopped] = useState<Stopped | null>(null)
  const queue = useRef<OrderRequest[]>([])
  const latest = useRef(written)
  useEffect(() => {
    latest.current = written
  }, [written])

  const sendAll = async () => {
    for (let order = queue.current[0]; order !== undefined; order = queue.current[0]) {
      try {
        await sending.mutateAsync(order)
        queue.current.shift()
      } catch (error) {
        const unsent = queue.current.splice(0).slice(1)
        const isSeen = unsent.length === 0 && isSame(latest.current, order)
        setStopped(isSeen ? null : { refused: order, error, unsent })
      }
    }
  }
  const submit = (order: OrderRequest) => {
    setStopped(null)
    const last = queue.current.at(-1)
    if (last !== undefined && isSame(last, order)) return
    queue.current.push(order)
    if (last === undefined) void sendAll()
  }
  return { ...sending, submit, stopped }
}

export function isSame(
  one: OrderRequest | null | undefined,
  other: OrderRequest | null,
): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
