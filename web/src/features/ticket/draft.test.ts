import { describe, expect, it } from 'vitest'

import { accountId, aQuote } from '../../testing/examples'
import {
  drafted,
  draftReducer,
  emptyDraft,
  orderOf,
  pricePicked,
  pricesForgotten,
  typeChosen,
  type Draft,
} from './draft'

const base = {
  account_id: accountId,
  symbol: 'AAPL',
  side: 'buy',
  qty: '1',
  time_in_force: 'day',
}

describe('a draft becomes an order', () => {
  it.each<[Partial<Draft>, object | null]>([
    [{}, { ...base, type: 'market' }],
    [{ qty: ' 2.50 ' }, { ...base, type: 'market', qty: '2.50' }],
    [{ qty: '' }, null],
    [{ qty: 'many' }, null],
    [{ type: 'limit' }, null],
    [{ type: 'limit', limitPrice: '190,50' }, null],
    [
      { type: 'limit', limitPrice: '190.50' },
      { ...base, type: 'limit', limit_price: '190.50' },
    ],
    [
      { type: 'stop', stopPrice: '180' },
      { ...base, type: 'stop', stop_price: '180' },
    ],
    [{ type: 'stop_limit', stopPrice: '180' }, null],
    [
      { type: 'stop_limit', stopPrice: '180', limitPrice: '179' },
      { ...base, type: 'stop_limit', stop_price: '180', limit_price: '179' },
    ],
    // A price left over from another type is not sent.
    [
      { type: 'market', limitPrice: '190.50' },
      { ...base, type: 'market' },
    ],
  ])('%j', (changes, order) => {
    expect(orderOf({ ...emptyDraft, ...changes }, accountId, 'AAPL')).toEqual(order)
  })
})

describe('a limit order begins at the front of the queue', () => {
  it.each<[Draft['side'], Draft['type'], string, string]>([
    ['buy', 'limit', '', '190.49'],
    ['sell', 'limit', '', '190.51'],
    ['sell', 'stop_limit', '', '190.51'],
    ['buy', 'stop', '', ''],
    ['buy', 'limit', '180.00', '180.00'],
  ])('%s %s with limit %j gets %j', (side, type, limitPrice, expected) => {
    const draft = { ...emptyDraft, side, limitPrice }
    const chosen = draftReducer(draft, typeChosen({ type, quote: aQuote() }))
    expect(chosen).toMatchObject({ type, limitPrice: expected })
  })

  it('and empty while there is no quote', () => {
    const chosen = draftReducer(emptyDraft, typeChosen({ type: 'limit', quote: undefined }))
    expect(chosen).toMatchObject({ type: 'limit', limitPrice: '' })
  })
})

describe('a price picked in the book', () => {
  it.each<[Draft['type'], Partial<Draft>]>([
    ['market', { type: 'limit', limitPrice: '190.50' }],
    ['limit', { type: 'limit', limitPrice: '190.50' }],
    ['stop', { type: 'stop', stopPrice: '190.50', limitPrice: '' }],
    ['stop_limit', { type: 'stop_limit', limitPrice: '190.50', stopPrice: '' }],
  ])('for a %s order gives %j', (type, expected) => {
    const draft = draftReducer(emptyDraft, drafted({ type }))
    expect(draftReducer(draft, pricePicked('190.50'))).toMatchObject(expected)
  })

  it('is forgotten when another symbol is chosen, side and quantity are not', () => {
    const draft = {
      ...emptyDraft,
      side: 'sell' as const,
      qty: '7',
      limitPrice: '1',
      stopPrice: '2',
    }
    expect(draftReducer(draft, pricesForgotten())).toMatchObject({
      side: 'sell',
      qty: '7',
      limitPrice: '',
      stopPrice: '',
    })
  })
})
