import { describe, expect, it } from 'vitest'

import { asSentence, problemOf } from './problem'

const reply = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers })

describe('a problem', () => {
  it('carries what the server said', () => {
    const body = { reason: 'invalid_lot', detail: 'use whole lots', field: 'qty', status: 422 }
    expect(problemOf(reply(422), body)).toMatchObject({
      status: 422,
      reason: 'invalid_lot',
      message: 'use whole lots',
      field: 'qty',
    })
  })

  it('says how long to wait, when the server does', () => {
    expect(problemOf(reply(503, { 'Retry-After': '2' }), {}).retryAfterSeconds).toBe(2)
    expect(problemOf(reply(503), {}).retryAfterSeconds).toBeNull()
  })

  it.each([[undefined], ['<html>Bad gateway</html>'], [null], [{ detail: '' }]])(
    'is told even when the reply is %j',
    (body) => {
      expect(problemOf(reply(502), body).message).toContain('502')
    },
  )

  it.each([
    ['use whole lots', 'Use whole lots.'],
    ['Done!', 'Done!'],
    ['', ''],
  ])('of %j reads %j', (detail, sentence) => {
    expect(asSentence(detail)).toBe(sentence)
  })
})
