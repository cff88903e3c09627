import { describe, expect, it } from 'vitest'

import { Problem } from '../../api/problem'
import { remarkOf, remarkOfError, remarksFor, type Field } from './verdicts'

const limitTicket: Field[] = ['qty', 'limit_price', 'time_in_force']
const stopTicket: Field[] = ['qty', 'stop_price', 'time_in_force']
const marketTicket: Field[] = ['qty', 'time_in_force']

describe('a rejection is shown', () => {
  it.each<[string, Field[], string | null, Field]>([
    ['insufficient_buying_power', limitTicket, null, 'qty'],
    ['insufficient_quantity', limitTicket, null, 'qty'],
    ['invalid_lot', limitTicket, null, 'qty'],
    ['invalid_tick', limitTicket, null, 'limit_price'],
    ['invalid_tick', stopTicket, null, 'stop_price'],
    ['invalid_price', limitTicket, 'limit_price', 'limit_price'],
    ['would_not_fill', limitTicket, null, 'time_in_force'],
    ['market_closed', limitTicket, null, 'form'],
    ['no_reference_price', marketTicket, null, 'form'],
    ['malformed', limitTicket, 'qty', 'qty'],
    ['missing_price', marketTicket, 'limit_price', 'form'],
  ])('%s on %j with field %j at %s', (reason, shown, field, at) => {
    expect(remarkOf({ reason, detail: 'why', field }, shown).field).toBe(at)
  })

  it("in the server's words, as a sentence, each once", () => {
    const problem = new Problem({
      status: 422,
      reason: 'invalid_lot',
      detail: 'use whole lots',
    })
    const remark = remarkOfError(problem, limitTicket)
    expect(remarksFor('qty', [remark, remark])).toBe('Use whole lots.')
    expect(remarksFor('form', [remark])).toBeUndefined()
  })
})
