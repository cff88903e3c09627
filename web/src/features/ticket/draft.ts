/** The order that is being written: a slice of the store, so the book and the keys can fill it. */

import { createSlice, type PayloadAction } from '@reduxjs/toolkit'

import type { OrderRequest, OrderType, Quote, Side, TimeInForce } from '../../api/types'
import { isDecimalText } from '../../decimal/decimal'

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
    /** A limit order begins with the price at which it would rest at the front of the queue. */
    typeChosen: (
      state,
      { payload }: PayloadAction<{ type: OrderType; quote: Quote | undefined }>,
    ) => {
      state.type = payload.type
      if (!needsLimit(payload.type) || state.limitPrice !== '') return
      state.limitPrice = (state.side === 'buy' ? payload.quote?.bid : payload.quote?.ask) ?? ''
    },
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

export const { drafted, typeChosen, pricePicked, pricesForgotten } = draft.actions
export const draftReducer = draft.reducer

/** The body for the order routes; null while a figure that it needs is not a number yet. */
export function orderOf(draft: Draft, accountId: string, symbol: string): OrderRequest | null {
  const qty = draft.qty.trim()
  const figures = {
    ...(needsLimit(draft.type) ? { limit_price: draft.limitPrice.trim() } : {}),
    ...(needsStop(draft.type) ? { stop_price: draft.stopPrice.trim() } : {}),
  }
  if (![qty, ...Object.values(figures)].every(isDecimalText)) return null
  return {
    account_id: accountId,
    symbol,
    side: draft.side,
    type: draft.type,
    qty,
    ...figures,
    time_in_force: draft.timeInForce,
  }
}
