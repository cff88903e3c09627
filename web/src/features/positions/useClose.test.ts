import { expect, it } from 'vitest'

import { accountId, aPosition } from '../../testing/examples'
import { closingOrder } from './useClose'

it.each([
  ['10', { side: 'sell', qty: '10' }],
  ['-0.5', { side: 'buy', qty: '0.5' }],
])('a position of %s is closed by %j at market', (qty, order) => {
  expect(closingOrder(aPosition({ qty }), accountId)).toMatchObject({
    ...order,
    type: 'market',
  })
})
