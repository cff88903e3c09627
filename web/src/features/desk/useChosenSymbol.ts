import { useEffect } from 'react'

import { symbolChosen, useDesk, useSend } from '../../live/store'
import { pricesForgotten } from '../ticket/draft'
import { useInstruments } from './useInstruments'

const key = 'papertape.symbol'

/** Chooses a symbol when the desk opens: the one of last time, else AAPL, else the first. */
export function useChosenSymbol(): void {
  const symbol = useDesk((state) => state.chosen.symbol)
  const { instruments } = useInstruments()
  const send = useSend()
  const listed = instruments.some((instrument) => instrument.symbol === symbol)

  useEffect(() => {
    if (listed || instruments.length === 0) return
    const wished = [localStorage.getItem(key), 'AAPL']
    const known = instruments.map((instrument) => instrument.symbol)
    const first = wished.find((wish) => wish !== null && known.includes(wish)) ?? known[0]
    if (first !== undefined) send(symbolChosen(first))
  }, [listed, instruments, send])

  useEffect(() => {
    if (symbol === null) return
    localStorage.setItem(key, symbol)
    send(pricesForgotten())
  }, [symbol, send])
}
