import { cleanup, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it } from 'vitest'

import { serve, showPage } from '../../testing/page'
import { AuthScreen } from './AuthScreen'
import { session } from './session'

const token = [200, { access_token: 'token', token_type: 'bearer', expires_in: 60 }] as const
const noDemo = [404, { reason: 'not_found', detail: 'the demo is off' }] as const

async function write(name: string, password: string) {
  await userEvent.type(screen.getByLabelText('Name'), name)
  await userEvent.type(screen.getByLabelText('Password'), `${password}{Enter}`)
}

describe('the door', () => {
  it('opens for name and password', async () => {
    const asked = serve({ 'GET /demo': noDemo, 'POST /auth/login': token })
    showPage(<AuthScreen />)
    await write('alice', 'correct horse')
    await waitFor(() => expect(session.token()).toBe('token'))
    expect(asked.at(-1)?.body).toEqual({
      username: 'alice',
      password: 'correct horse',
      cookie: true,
    })
  })

  it('says why it stays shut', async () => {
    const wrong = { reason: 'wrong_credentials', detail: 'name or password is wrong' }
    serve({ 'GET /demo': noDemo, 'POST /auth/login': [401, wrong] })
    showPage(<AuthScreen />)
    await write('alice', 'wrong')
    expect((await screen.findByRole('alert')).textContent).toBe('Name or password is wrong.')
    expect(session.token()).toBeNull()
  })

  it('asks for a code where the second factor is on', async () => {
    const needed = { reason: 'code_needed', detail: 'send the code' }
    const asked = serve({
      'GET /demo': noDemo,
      'POST /auth/login': ({ body }) => (body?.code === '123456' ? token : [401, needed]),
    })
    showPage(<AuthScreen />)
    await write('alice', 'correct horse')
    await userEvent.type(await screen.findByLabelText('Code'), '123456{Enter}')
    await waitFor(() => expect(session.token()).toBe('token'))
    expect(asked.at(-1)?.body).toMatchObject({ code: '123456' })
  })

  it('makes a login and enters with it', async () => {
    const asked = serve({
      'GET /demo': noDemo,
      'POST /auth/register': [201, {}],
      'POST /auth/login': token,
    })
    showPage(<AuthScreen />)
    await userEvent.click(screen.getByRole('button', { name: 'Create a login' }))
    await write('alice', 'correct horse')
    await waitFor(() => expect(session.token()).toBe('token'))
    expect(asked.map(({ route }) => route).slice(-2)).toEqual([
      'POST /auth/register',
      'POST /auth/login',
    ])
  })

  it('shows at the name that it is taken', async () => {
    const taken = { reason: 'username_taken', detail: 'choose another', field: 'username' }
    serve({ 'GET /demo': noDemo, 'POST /auth/register': [409, taken] })
    showPage(<AuthScreen />)
    await userEvent.click(screen.getByRole('button', { name: 'Create a login' }))
    await write('alice', 'correct horse')
    await screen.findByText('Choose another.')
    expect(screen.getByLabelText('Name')).toHaveProperty('ariaInvalid', 'true')
  })

  it('says so when a login has ended by itself, and not when it was left', () => {
    serve({ 'GET /demo': noDemo })
    session.open('old')
    session.close()
    showPage(<AuthScreen />)
    expect(screen.queryByText(/Your login has ended/)).toBeNull()
    cleanup()
    session.open('old')
    session.end()
    showPage(<AuthScreen />)
    expect(screen.getByText(/Your login has ended/)).toBeTruthy()
  })

  it('offers the demo only when the server does', async () => {
    const demo = { enabled: true, username: 'demo', password: 'demo-password' }
    const asked = serve({ 'GET /demo': [200, demo], 'POST /auth/login': token })
    showPage(<AuthScreen />)
    await userEvent.click(await screen.findByRole('button', { name: 'Try the demo' }))
    await waitFor(() => expect(session.token()).toBe('token'))
    expect(asked.at(-1)?.body).toEqual({
      username: 'demo',
      password: 'demo-password',
      cookie: true,
    })
  })
})
