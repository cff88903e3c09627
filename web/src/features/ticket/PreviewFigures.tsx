import type { Instrument, Preview } from '../../api/types'
import { formatFee, formatMoney, formatPrice } from '../../decimal/format'
import classes from './Ticket.module.css'
import type { Remark } from './verdicts'

interface PreviewFiguresProps {
  preview: Preview | undefined
  stale: boolean
  instrument: Instrument
  warnings: readonly Remark[]
}

/** What the order would cost at the present market, before it is sent. */
export function PreviewFigures({ preview, stale, instrument, warnings }: PreviewFiguresProps) {
  const cost = preview?.cost
  const proceeds = cost?.startsWith('-') === true
  return (
    <div className={classes.preview}>
      <dl
        className="figures"
        data-stale={stale}
        aria-label={`Preview in ${instrument.currency}`}
      >
        <dt>{proceeds ? 'Proceeds, about' : 'Cost, about'}</dt>
        <dd>{formatMoney(proceeds ? cost.slice(1) : cost)}</dd>
        <dt>Fees</dt>
        <dd>{formatFee(preview?.fees)}</dd>
        <dt>Slippage per unit</dt>
        <dd>{formatPrice(preview?.expected_slippage, instrument.tick_size)}</dd>
        <dt>Buying power after</dt>
        <dd>{formatMoney(preview?.buying_power_after)}</dd>
      </dl>
      {warnings.map((warning) => (
        <p key={warning.reason} className={classes.warning}>
          {warning.detail}
        </p>
      ))}
    </div>
  )
}
