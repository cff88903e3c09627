import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { exchange } from '../../api/exchange'
import type { Order, OrderRequest } from '../../api/types'
import { Problem } from '../../api/problem'
import { messagesReceived, useSend } from '../../live/store'
import { isWorthRepeating, newOrderName, submitOnce, type Attempt } from './submit'

/**
 * Sends an order under one name until its outcome is known. When it had to give up, sending the
 * same order again uses the same name: it may have happened already.
 */
export function useSubmit() {
  const send = useSend()
  const [attempt, setAttempt] = useState<Attempt | null>(null)
  const unsettled = useRef<{ body: string; name: string } | null>(null)
  const mutation = useMutation({
    mutationFn: async (order: OrderRequest): Promise<Order> => {
      const body = JSON.stringify(order)
      const name = unsettled.current?.body === body ? unsettled.current.name : newOrderName()
      unsettled.current = { body, name }
      const means = { send: exchange.submit, onRetry: setAttempt, wait }
      return submitOnce({ ...order, client_order_id: name }, means)
    },
    onSuccess: (order) => {
      unsettled.current = null
      send(messagesReceived([{ kind: 'order', order }]))
    },
    onError: (error) => {
      if (isOutcomeKnown(error)) unsettled.current = null
    },
    onSettled: () => setAttempt(null),
  })
  return { ...mutation, attempt }
}

function isOutcomeKnown(error: Error): boolean {
  return error instanceof Problem && !isWorthRepeating(error)
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds))
}
