import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'

import { createStore, messagesReceived } from '../../live/store'
import { accountId, anAccount, anInstrument, aPosition, aQuote } from '../../testing/examples'
import { serve, showPage } from '../../testing/page'
import { Positions } from './Positions'

function aStoreHolding(...positions: ReturnType<typeof aPosition>[]) {
  const store = createStore()
  const from = { type: 'snapshot', seq: 1, account_id: accountId }
  const messages = [
    { channel: 'account', data: anAccount(), ...from },
    { channel: 'positions', data: { items: positions }, ...from },
    { channel: 'quotes:AAPL', type: 'quote', data: aQuote({ bid: '191.00', ask: '191.00' }) },
  ]
  store.dispatch(
    messagesReceived(messages.map((message) => ({ kind: 'stream' as const, message }))),
  )
  return store
}

const instruments = [200, { items: [anInstrument()], next_cursor: null }] as const

it('a position follows the quote', async () => {
  serve({ 'GET /instruments': instruments })
  showPage(<Positions />, aStoreHolding(aPosition()))
  await screen.findByText('1,910.00')
  expect(screen.getByText('+5.00', { exact: false }).textContent).toBe('+5.00 (+0.26%)')
})

it('a position that could not be closed says why, in its place', async () => {
  const problem = { reason: 'market_closed', detail: 'the exchange is closed' }
  const asked = serve({ 'GET /instruments': instruments, 'POST /orders': [422, problem] })
  showPage(<Positions />, aStoreHolding(aPosition()))
  await userEvent.click(screen.getByRole('button', { name: 'Close AAPL: sell 10 at market' }))
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toBe('AAPL was not closed. The exchange is closed.')
  expect(asked.at(-1)?.body).toMatchObject({ side: 'sell', qty: '10', type: 'market' })
})

it('without positions the list says what would fill it', () => {
  showPage(<Positions />)
  expect(screen.getByText(/No positions/)).toBeTruthy()
})
