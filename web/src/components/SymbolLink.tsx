import { symbolChosen, useSend } from '../live/store'
import classes from './Table.module.css'

/** A symbol in a list; a click shows it on the desk. */
export function SymbolLink({ symbol }: { symbol: string }) {
  const send = useSend()
  return (
    <button
      type="button"
      className={classes.symbol}
      aria-label={`Show ${symbol}`}
      onClick={() => send(symbolChosen(symbol))}
    >
      {symbol}
    </button>
  )
}
