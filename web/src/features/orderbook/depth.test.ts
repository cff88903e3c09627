import { describe, expect, it } from 'vitest'

import type { Level } from '../../api/types'
import { decimalText } from '../../decimal/decimal'
import { depthRows, levelsShown, spreadOf } from './depth'

const bids: Level[] = [
  ['10.00', '100', 2],
  ['9.99', '300', 1],
]
const asks: Level[] = [['10.01', '200', 3]]

describe('the depth of the book', () => {
  it('adds up from the best price, on one scale for both sides', () => {
    const rows = depthRows(bids, asks)
    expect(rows.bids.map((row) => [row.price, row.depth])).toEqual([
      ['10.00', 25],
      ['9.99', 100],
    ])
    expect(rows.asks.map((row) => row.depth)).toEqual([50])
  })

  it('shows ten levels', () => {
    const many: Level[] = Array.from({ length: 15 }, (_, at) => [`${at}`, '1', 1])
    expect(depthRows(many, []).bids).toHaveLength(levelsShown)
  })

  it('is nothing for an empty book', () => {
    expect(depthRows([], [])).toEqual({ bids: [], asks: [] })
  })
})

describe('the spread', () => {
  it('is the distance of the best prices', () => {
    const spread = spreadOf(bids, asks)
    expect(spread && decimalText(spread.spread)).toBe('0.01')
    expect(spread?.percent && decimalText(spread.percent)).toBe('0.100')
  })

  it.each([
    ['one side is empty', bids, []],
    ['the prices cross for a moment', [['10.02', '1', 1] as Level], asks],
  ])('is unknown while %s', (_, left, right) => {
    expect(spreadOf(left, right)).toBeNull()
  })
})
