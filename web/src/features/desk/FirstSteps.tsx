import { Button } from '@mantine/core'

import { symbolChosen, useDesk, useSend } from '../../live/store'
import { drafted } from '../ticket/draft'
import classes from './FirstSteps.module.css'
import { quantityFieldId } from './shortcuts'
import { useInstruments } from './useInstruments'

/** Shows a newcomer the way to the first fill, and is gone after it. */
export function FirstSteps({ onFill }: { onFill?: () => void }) {
  const { instruments } = useInstruments()
  const isNew = useDesk(
    (state) => state.live.cursors.fills !== undefined && state.live.fills.length === 0,
  )
  const send = useSend()
  const known = instruments.find(({ symbol }) => symbol === 'AAPL') ?? instruments[0]
  if (!isNew || known === undefined) return null
  const fillTicket = () => {
    send(symbolChosen(known.symbol))
    onFill?.()
    send(drafted({ side: 'buy', type: 'market', qty: '1', timeInForce: 'day' }))
    requestAnimationFrame(() => document.getElementById(quantityFieldId)?.focus())
  }
  return (
    <aside className={classes.steps} aria-label="First steps">
      <p>
        <strong>Your first trade.</strong> Buy 1 {known.symbol} at market: it fills at once, at
        the best ask of the book.
      </p>
      <Button size="compact-sm" variant="light" onClick={fillTicket}>
        Fill in the ticket
      </Button>
    </aside>
  )
}
