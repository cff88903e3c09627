import { screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it } from 'vitest'

import { createStore, messagesReceived } from '../../live/store'
import {
  accountId,
  anAccount,
  anInstrument,
  anOrder,
  aPreview,
  aPosition,
} from '../../testing/examples'
import { serve, showPage, type Asked } from '../../testing/page'
import { drafted, pricePicked } from './draft'
import { Ticket } from './Ticket'

function aStore() {
  const store = createStore()
  const from = { type: 'snapshot', seq: 1, account_id: accountId }
  store.dispatch(
    messagesReceived([
      { kind: 'stream', message: { channel: 'account', data: anAccount(), ...from } },
      {
        kind: 'stream',
        message: { channel: 'positions', data: { items: [aPosition()] }, ...from },
      },
    ]),
  )
  return store
}

function showTicket() {
  return showPage(<Ticket instrument={anInstrument()} />, aStore())
}

const filled = anOrder({
  type: 'market',
  qty: '3',
  status: 'filled',
  filled_qty: '3',
  filled_avg_price: '190.51',
})
const submits = (asked: Asked[]) => asked.filter(({ route }) => route === 'POST /orders')

/** A server that answers an order when the test says what. */
function slowly() {
  const answers: ((answer: [number, unknown]) => void)[] = []
  const asked = serve({
    'POST /orders/preview': [200, aPreview()],
    'POST /orders': () => new Promise((resolve) => answers.push(resolve)),
  })
  return { answers, asked }
}

describe('the ticket', () => {
  it('previews what is written, sends it, and tells what became of it', async () => {
    const asked = serve({
      'POST /orders/preview': [200, aPreview({ cost: '571.53' })],
      'POST /orders': [201, filled],
    })
    showTicket()
    const user = userEvent.setup()
    await user.clear(screen.getByLabelText('Quantity'))
    await user.type(screen.getByLabelText('Quantity'), '3')
    await screen.findByText('571.53')
    await user.keyboard('{Enter}')
    await screen.findByText('Buy 10 AAPL: 3 filled at 190.51.'.replace('10', '3'))
    expect(submits(asked)[0]?.body).toEqual({
      account_id: accountId,
      symbol: 'AAPL',
      side: 'buy',
      type: 'market',
      qty: '3',
      time_in_force: 'day',
      client_order_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    })
  })

  it('shows a rejection at the field that it concerns', async () => {
    const rejection = { reason: 'insufficient_buying_power', detail: 'lower the quantity' }
    serve({ 'POST /orders/preview': [200, aPreview({ rejections: [rejection] })] })
    showTicket()
    await screen.findByText('Lower the quantity.')
    expect(screen.getByLabelText('Quantity')).toHaveProperty('ariaInvalid', 'true')
  })

  it('shows at the field what the server refuses to read, and at the form all else', async () => {
    const problem = { reason: 'market_closed', detail: 'the exchange opens at 14:30' }
    serve({
      'POST /orders/preview': [
        422,
        { reason: 'malformed', detail: 'qty: too long', field: 'qty' },
      ],
      'POST /orders': [422, problem],
    })
    showTicket()
    await screen.findByText('Qty: too long.')
    await userEvent.click(screen.getByRole('button', { name: 'Buy 1 AAPL' }))
    await waitFor(() =>
      expect(screen.getByText('The exchange opens at 14:30.').role).toBe('alert'),
    )
  })

  it('asks again under the same id when the outcome is unknown, and says so', async () => {
    let answers = 0
    const asked = serve({
      'POST /orders/preview': [200, aPreview()],
      'POST /orders': () => {
        answers += 1
        const unknown = { reason: 'outcome_unknown', detail: 'ask again' }
        return answers === 1 ? [503, unknown] : [200, filled]
      },
    })
    showTicket()
    await userEvent.click(screen.getByRole('button', { name: 'Buy 1 AAPL' }))
    await screen.findByText(/Asking again under the same order id/)
    await screen.findByText('Buy 3 AAPL: 3 filled at 190.51.')
    const names = submits(asked).map(({ body }) => body?.client_order_id)
    expect(names).toHaveLength(2)
    expect(new Set(names).size).toBe(1)
  })

  it('gives the next order a name of its own', async () => {
    const asked = serve({
      'POST /orders/preview': [200, aPreview()],
      'POST /orders': [201, filled],
    })
    showTicket()
    const button = screen.getByRole('button', { name: 'Buy 1 AAPL' })
    await userEvent.click(button)
    await screen.findByText('Buy 3 AAPL: 3 filled at 190.51.')
    await userEvent.click(button)
    await waitFor(() => expect(submits(asked)).toHaveLength(2))
    const [first, second] = submits(asked).map(({ body }) => body?.client_order_id)
    expect(first).not.toBe(second)
  })

  it('sends what is written while an order is on its way after it, and twice pressed once', async () => {
    const { answers, asked } = slowly()
    showTicket()
    const user = userEvent.setup()
    await user.type(screen.getByLabelText('Quantity'), '{Enter}{Enter}')
    await user.click(screen.getByText('Sell'))
    await user.type(screen.getByLabelText('Quantity'), '{Enter}')
    expect(submits(asked)).toHaveLength(1)
    answers.shift()?.([201, filled])
    await waitFor(() => expect(submits(asked)).toHaveLength(2))
    answers.shift()?.([201, anOrder({ side: 'sell', status: 'new' })])
    await screen.findByText('Sell 10 AAPL: waiting in the book.')
    expect(submits(asked).map(({ body }) => body?.side)).toEqual(['buy', 'sell'])
  })

  it('sends nothing after a refusal, and says which orders it means', async () => {
    const { answers, asked } = slowly()
    showTicket()
    const user = userEvent.setup()
    await user.type(screen.getByLabelText('Quantity'), '{Enter}')
    await user.click(screen.getByText('Sell'))
    await user.type(screen.getByLabelText('Quantity'), '{Enter}')
    const refusal = { reason: 'order_too_large', detail: 'at most 5' }
    answers.shift()?.([422, refusal])
    await screen.findByText('Buy 1 AAPL: At most 5. Sell 1 AAPL was not sent.')
    expect(submits(asked)).toHaveLength(1)
    await user.type(screen.getByLabelText('Quantity'), '{Enter}')
    await waitFor(() => expect(submits(asked)).toHaveLength(2))
    expect(screen.queryByText(/was not sent/)).toBeNull()
  })

  it('tells a refusal once, also when it was foreseen', async () => {
    const told = (detail: string) => ({ reason: 'order_too_large', detail })
    const asked = serve({
      'POST /orders/preview': [200, aPreview({ rejections: [told('foreseen')] })],
      'POST /orders': [422, told('refused')],
    })
    showTicket()
    await screen.findByText('Foreseen.')
    const button = screen.getByRole('button', { name: 'Buy 1 AAPL' })
    await userEvent.click(button)
    await waitFor(() => expect(submits(asked)).toHaveLength(1))
    await waitFor(() => expect(button.ariaBusy).toBe('false'))
    expect(screen.getByText('Foreseen.')).toBeDefined()
    expect(screen.queryByText(/Refused/)).toBeNull()
  })

  it('takes a price from the book, and steps it by the tick with the arrow keys', async () => {
    serve({ 'POST /orders/preview': [200, aPreview()] })
    const store = showTicket()
    store.dispatch(pricePicked('190.50'))
    const field = await screen.findByLabelText<HTMLInputElement>('Limit price')
    expect(field.value).toBe('190.50')
    await userEvent.type(field, '{ArrowUp}')
    expect(field.value).toBe('190.51')
    await userEvent.type(field, '{Shift>}{ArrowDown}{/Shift}')
    expect(field.value).toBe('190.41')
  })

  it('offers to sell all that is held', async () => {
    serve({ 'POST /orders/preview': [200, aPreview({ cost: '-1905.00' })] })
    const store = showTicket()
    store.dispatch(drafted({ side: 'sell' }))
    await userEvent.click(await screen.findByRole('button', { name: 'All 10' }))
    expect(screen.getByRole('button', { name: 'Sell 10 AAPL' })).toBeTruthy()
    await screen.findByText('Proceeds, about')
  })

  it('does not ask the server about what is no number', async () => {
    const asked = serve({ 'POST /orders/preview': [200, aPreview()] })
    const store = showTicket()
    store.dispatch(drafted({ qty: 'many' }))
    await screen.findByText('Write a number such as 10 or 190.50.')
    await userEvent.click(screen.getByRole('button', { name: /AAPL/ }))
    expect(asked.filter(({ body }) => body?.qty === 'many')).toEqual([])
  })
})
