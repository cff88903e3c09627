import { expect, it } from 'vitest'

import { anOrder } from '../../testing/examples'
import { changesOf, figuresOf } from './replacement'

it('an order offers the figures that it has', () => {
  expect(figuresOf(anOrder())).toEqual({ qty: '10', limit_price: '190.50' })
  expect(figuresOf(anOrder({ type: 'stop', limit_price: null, stop_price: '180' }))).toEqual({
    qty: '10',
    stop_price: '180',
  })
})

it('only what differs is sent', () => {
  const order = anOrder()
  expect(changesOf(order, figuresOf(order))).toEqual({})
  expect(changesOf(order, { qty: ' 12 ', limit_price: '190.50' })).toEqual({ qty: '12' })
})
