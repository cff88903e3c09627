import { describe, expect, it } from 'vitest'

import { Problem, unreachable } from '../../api/problem'
import type { Order } from '../../api/types'
import { accountId, anOrder } from '../../testing/examples'
import { attemptSentence } from './Outcome'
import { attemptsMax, newOrderName, submitOnce, type Attempt } from './submit'

const order = {
  account_id: accountId,
  symbol: 'AAPL',
  side: 'buy',
  type: 'market',
  qty: '1',
  time_in_force: 'day',
  client_order_id: 'mine-1',
} as const

const unknown = (retryAfterSeconds: number | null = null) =>
  new Problem({
    status: 503,
    reason: 'outcome_unknown',
    detail: 'ask again',
    retryAfterSeconds,
  })

/** Sends into a row of prepared answers. */
async function submitInto(answers: readonly (Order | Problem)[]) {
  const sent: string[] = []
  const attempts: Attempt[] = []
  const waits: number[] = []
  const result = await submitOnce(order, {
    send: (body) => {
      sent.push(String(body.client_order_id))
      const answer = answers[sent.length - 1] ?? unknown()
      return answer instanceof Problem ? Promise.reject(answer) : Promise.resolve(answer)
    },
    onRetry: (attempt) => attempts.push(attempt),
    wait: (milliseconds) => {
      waits.push(milliseconds)
      return Promise.resolve()
    },
  }).catch((error: unknown) => error)
  return { result, sent, attempts, waits }
}

describe('an order is sent', () => {
  it('once, when the answer comes', async () => {
    const { result, sent } = await submitInto([anOrder()])
    expect(result).toEqual(anOrder())
    expect(sent).toEqual(['mine-1'])
  })

  it('again under the same name, when its outcome is unknown', async () => {
    const { result, sent, attempts } = await submitInto([unknown(), unreachable(), anOrder()])
    expect(result).toEqual(anOrder())
    expect(sent).toEqual(['mine-1', 'mine-1', 'mine-1'])
    expect(attempts.map((attempt) => attempt.number)).toEqual([2, 3])
  })

  it('not again, when it was refused', async () => {
    const refusal = new Problem({
      status: 422,
      reason: 'insufficient_buying_power',
      detail: 'no',
    })
    const { result, sent } = await submitInto([refusal])
    expect(result).toBe(refusal)
    expect(sent).toHaveLength(1)
  })

  it('at most six times', async () => {
    const { result, sent } = await submitInto(Array.from({ length: 9 }, () => unknown()))
    expect(result).toBeInstanceOf(Problem)
    expect(sent).toHaveLength(attemptsMax)
  })

  it('after the wait that the server asks for, else after longer and longer ones', async () => {
    const { waits } = await submitInto([unknown(2), unknown(), unknown(), anOrder()])
    expect(waits).toEqual([2_000, 800, 1_600])
  })

  it('with words that take the fear of a double order', () => {
    expect(attemptSentence({ number: 2, problem: unknown() })).toBe(
      'The exchange did not confirm the order in time. ' +
        'Asking again under the same order id (attempt 2); it cannot happen twice.',
    )
  })
})

it('the name of an order is a random UUID', () => {
  const names = new Set(Array.from({ length: 100 }, newOrderName))
  expect(names.size).toBe(100)
  expect([...names][0]).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
})
