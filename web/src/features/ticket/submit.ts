/**
 * Sends an order so that it happens once, whatever becomes of the reply.
 *
 * The page names the order (`client_order_id`) before it sends it. When the outcome is unknown, the
 * same order is sent again under the same name: the exchange then tells what became of it and never
 * acts twice.
 */

import type { Order, OrderRequest } from '../../api/types'
import { Problem } from '../../api/problem'

export const attemptsMax = 6

export interface Attempt {
  /** The attempt that follows, counted from 2. */
  number: number
  problem: Problem
}

interface Means {
  send: (order: OrderRequest) => Promise<Order>
  onRetry: (attempt: Attempt) => void
  wait: (milliseconds: number) => Promise<void>
}

export async function submitOnce(
  order: OrderRequest & { client_order_id: string },
  means: Means,
): Promise<Order> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await means.send(order)
    } catch (error) {
      if (!(error instanceof Problem) || !isWorthRepeating(error)) throw error
      if (attempt === attemptsMax) throw error
      means.onRetry({ number: attempt + 1, problem: error })
      await means.wait(waitBeforeMs(attempt, error))
    }
  }
}

/** The outcome is unknown, or the exchange surely did nothing but may soon. */
export function isWorthRepeating(problem: Problem): boolean {
  return problem.status === 0 || (problem.status >= 500 && problem.reason !== 'internal_error')
}

function waitBeforeMs(attempt: number, problem: Problem): number {
  const asked = problem.retryAfterSeconds
  return asked !== null
    ? Math.min(asked, 10) * 1_000
    : Math.min(5_000, 400 * 2 ** (attempt - 1))
}

/** A random UUID; `crypto.randomUUID` is missing where a page comes without TLS over the network. */
export function newOrderName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
