/** The order that is being written: a slice of the store, so the book and the keys can fill it. */

import { createSlice, type PayloadAction } from '@reduxjs/toolkit'

import type { OrderRequest, OrderType, Side, TimeInForce } from '../../api/types'

export interface Draft {
  side: Side
  type: OrderType
  qty: string
  limitPrice: string
  stopPrice: string
  timeInForce: TimeInForce
}

export const emptyDraft: Draft = {
  side: 'buy',
  type: 'market',
  qty: '1',
  limitPrice: '',
  stopPrice: '',
  timeInForce: 'day',
}

export function needsLimit(type: OrderType): boolean {
  return type === 'limit' || type === 'stop_limit'
}

export function needsStop(type: OrderType): boolean {
  return type === 'stop' || type === 'stop_limit'
}

const draft = createSlice({
  name: 'draft',
  initialState: emptyDraft,
  reducers: {
    drafted: (state, action: PayloadAction<Partial<Draft>>) => ({
      ...state,
      ...action.payload,
    }),
    /** A price clicked in the book goes where the order needs one. */
    pricePicked: (state, action: PayloadAction<string>) => {
      if (state.type === 'stop') state.stopPrice = action.payload
      else state.limitPrice = action.payload
      if (state.type === 'market') state.type = 'limit'
    },
    /** Prices of one symbol say nothing about another. */
    pricesForgotten: (state) => ({ ...state, limitPrice: '', stopPrice: '' }),
  },
})

export const { drafted, pricePicked, pricesForgotten } = draft.actions
export const draftReducer = draft.reducer

/** The body for the order routes; null while a figure that it needs is not written yet. */
export function orderOf(draft: Draft, accountId: string, symbol: string): OrderRequest | null {
  const limit = draft.limitPrice.trim()
  const stop = draft.stopPrice.trim()
  if (draft.qty.trim() === '') return null
  if (needsLimit(draft.type) && limit === '') return null
  if (needsStop(draft.type) && stop === '') return null
  return {
    account_id: accountId,
    symbol,
    side: draft.side,
    type: draft.type,
    qty: draft.qty.trim(),
    ...(needsLimit(draft.type) ? { limit_price: limit } : {}),
    ...(needsStop(draft.type) ? { stop_price: stop } : {}),
    time_in_force: draft.timeInForce,
  }
}
