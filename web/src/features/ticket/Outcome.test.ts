import { expect, it } from 'vitest'

import type { Order } from '../../api/types'
import { anOrder } from '../../testing/examples'
import { outcomeSentence } from './Outcome'

it.each<[Partial<Order>, string]>([
  [
    { status: 'filled', filled_qty: '10', filled_avg_price: '190.505' },
    'Buy 10 AAPL: 10 filled at 190.505.',
  ],
  [
    { status: 'partially_filled', filled_qty: '4', filled_avg_price: '190.5' },
    'Buy 10 AAPL: 4 filled at 190.50, the rest is waiting in the book.',
  ],
  [{ status: 'new' }, 'Buy 10 AAPL: waiting in the book.'],
  [{ status: 'new', type: 'stop' }, 'Buy 10 AAPL: waiting for the stop price.'],
  [
    { status: 'canceled', reason: 'no_liquidity' },
    'Buy 10 AAPL: nothing was filled (no liquidity).',
  ],
  [
    { status: 'canceled', reason: 'ioc_remainder', filled_qty: '4', filled_avg_price: '190' },
    'Buy 10 AAPL: 4 filled at 190.00, the rest was canceled (ioc remainder).',
  ],
  [{ status: 'rejected', reason: 'invalid_lot' }, 'Buy 10 AAPL: rejected (invalid lot).'],
])('the outcome %j reads %s', (of, sentence) => {
  expect(outcomeSentence(anOrder(of), '0.01')).toBe(sentence)
})
