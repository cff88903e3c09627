import { expect, it } from 'vitest'

import { anInstrument } from '../../testing/examples'
import { matching } from './matching'

const instruments = [
  anInstrument({ symbol: 'AAPL', name: 'Apple Inc.' }),
  anInstrument({ symbol: 'JPM', name: 'JPMorgan Chase & Co.', sector: 'Financials' }),
  anInstrument({ symbol: 'PAPA', name: 'Papa Inc.', sector: null }),
]

it.each([
  ['', ['AAPL', 'JPM', 'PAPA']],
  ['jpm', ['JPM']],
  ['  apple ', ['AAPL']],
  ['financ', ['JPM']],
  // The symbol that begins so comes before one that only contains it.
  ['pap', ['PAPA']],
  ['p', ['PAPA', 'AAPL', 'JPM']],
  ['zzz', []],
])('a search for %j finds %j', (search, symbols) => {
  expect(matching(instruments, search).map((instrument) => instrument.symbol)).toEqual(symbols)
})
