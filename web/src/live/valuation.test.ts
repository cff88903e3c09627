import { describe, expect, it } from 'vitest'

import { decimalText } from '../decimal/decimal'
import { anAccount, aPosition, aQuote } from '../testing/examples'
import { equityNow, referencePrice, valuedPosition } from './valuation'

const text = (value: Parameters<typeof decimalText>[0] | null) => value && decimalText(value)

describe('the reference price', () => {
  it.each([
    ['between bid and ask', aQuote({ bid: '10.00', ask: '10.01' }), '10.005'],
    ['the last price without a bid', aQuote({ bid: null, last: '9.90' }), '9.90'],
    ['unknown without anything', aQuote({ bid: null, ask: null, last: null }), null],
    ['unknown without a quote', undefined, null],
  ])('is %s', (_, quote, price) => {
    expect(text(referencePrice(quote))).toBe(price)
  })
})

describe('a position', () => {
  it('is valued at the quote of the moment', () => {
    const quote = aQuote({ bid: '191.00', ask: '191.02' })
    const valued = valuedPosition(aPosition(), quote)
    expect(text(valued.valueNow)).toBe('1910.100')
    expect(text(valued.profitNow)).toBe('5.100')
  })

  it('is valued as the server said while there is no quote', () => {
    const valued = valuedPosition(aPosition({ market_value: '1900.00' }), undefined)
    expect(text(valued.valueNow)).toBe('1900.00')
  })
})

describe('equity', () => {
  const account = anAccount({ cash: '98000.00', equity: '99905.00' })

  it('is cash and every position at its quote', () => {
    const positions = { AAPL: aPosition(), MSFT: aPosition({ symbol: 'MSFT', qty: '2' }) }
    const quotes = {
      AAPL: aQuote({ bid: '200.00', ask: '200.00' }),
      MSFT: aQuote({ bid: '400.00', ask: '400.00' }),
    }
    expect(text(equityNow({ account, positions, quotes }))).toBe('100800.000')
  })

  it("is the server's figure while a value is unknown", () => {
    const positions = { AAPL: aPosition({ market_value: null }) }
    expect(text(equityNow({ account, positions, quotes: {} }))).toBe('99905.00')
  })

  it('is unknown without an account', () => {
    expect(equityNow({ account: null, positions: {}, quotes: {} })).toBeNull()
  })
})
