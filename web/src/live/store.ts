/** The Redux store of the desk: the live state, the chosen symbol, the order being written. */

import { configureStore, createSlice, type PayloadAction } from '@reduxjs/toolkit'
import { useDispatch, useSelector } from 'react-redux'

import { draftReducer } from '../features/ticket/draft'
import type { LiveMessage } from './messages'
import { reduce } from './reduce'
import { emptyState, type LiveState } from './state'

const noSymbol: { symbol: string | null } = { symbol: null }

const chosen = createSlice({
  name: 'chosen',
  initialState: noSymbol,
  reducers: {
    symbolChosen: (state, action: PayloadAction<string>) => {
      state.symbol = action.payload
    },
  },
})

export const { symbolChosen } = chosen.actions

/** Messages of one animation frame travel in one action, so the desk is drawn once for all. */
export const messagesReceived = (messages: readonly LiveMessage[]) =>
  ({ type: 'live/messagesReceived', messages }) as const

type MessagesReceived = ReturnType<typeof messagesReceived>

function live(state: LiveState = emptyState, action: { type: string }): LiveState {
  if (action.type !== 'live/messagesReceived') return state
  return (action as MessagesReceived).messages.reduce(reduce, state)
}

export function createStore() {
  return configureStore({
    reducer: { live, chosen: chosen.reducer, draft: draftReducer },
    // The reducer is pure by test; walking the whole state after each quote would cost frames.
    middleware: (defaults) => defaults({ immutableCheck: false, serializableCheck: false }),
  })
}

export type Store = ReturnType<typeof createStore>
export type RootState = ReturnType<Store['getState']>

export const useDesk = useSelector.withTypes<RootState>()
export const useSend = useDispatch.withTypes<Store['dispatch']>()
