import { beforeEach, describe, expect, it } from 'vitest'

import { session } from '../features/auth/session'
import { serve } from '../testing/page'
import { exchange } from './exchange'
import { leave } from './refresh'

const tokenOf = (user: string, number: number) =>
  `head.${btoa(JSON.stringify({ sub: user, number }))}.sign`
const refused = [401, { reason: 'not_authenticated', detail: 'it has ended' }] as const
const next = (user: string) => [200, { access_token: tokenOf(user, 2) }] as const

describe('a token that has ended', () => {
  beforeEach(() => session.open(tokenOf('alice', 1)))

  it('is renewed once for all who ask, and what was refused is sent again', async () => {
    let isNew = false
    const asked = serve({
      'GET /me': () => (isNew ? [200, { username: 'alice' }] : refused),
      'POST /auth/refresh': () => {
        isNew = true
        return next('alice')
      },
    })
    const visit = session.visit()
    const answers = await Promise.all([exchange.me(), exchange.me()])
    expect(answers.map(({ username }) => username)).toEqual(['alice', 'alice'])
    expect(asked.filter(({ route }) => route === 'POST /auth/refresh')).toHaveLength(1)
    expect(session.token()).toBe(tokenOf('alice', 2))
    expect(session.visit()).toBe(visit)
  })

  it('ends the visit when there is no next one', async () => {
    serve({ 'GET /me': refused, 'POST /auth/refresh': refused })
    await expect(exchange.me()).rejects.toThrow()
    expect(session.token()).toBeNull()
    expect(session.hasEnded()).toBe(true)
  })

  it('does not go on as somebody else who logged in in another tab', async () => {
    serve({ 'GET /me': refused, 'POST /auth/refresh': next('bob') })
    await expect(exchange.me()).rejects.toThrow()
    expect(session.token()).toBeNull()
  })

  it('is no reason to renew when name and password were wrong', async () => {
    session.close()
    const asked = serve({ 'POST /auth/login': refused })
    await expect(exchange.login('alice', 'wrong')).rejects.toThrow()
    expect(asked.map(({ route }) => route)).toEqual(['POST /auth/login'])
  })

  it('is ended at the server when the visitor leaves', () => {
    const asked = serve({ 'POST /auth/logout': [204, null] })
    leave()
    expect(session.token()).toBeNull()
    return expect.poll(() => asked.map(({ route }) => route)).toEqual(['POST /auth/logout'])
  })
})
