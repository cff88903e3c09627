import type { Instrument } from '../../api/types'
import { formatPrice, formatSize } from '../../decimal/format'
import { useDesk } from '../../live/store'
import classes from './QuoteLine.module.css'

/** What is shown, and what it costs right now. */
export function QuoteLine({ instrument }: { instrument: Instrument }) {
  const quote = useDesk((state) => state.live.quotes[instrument.symbol])
  const tick = instrument.tick_size
  return (
    <div className={classes.quote}>
      <h2>
        {instrument.symbol}{' '}
        {instrument.name !== instrument.symbol && (
          <span className={classes.name}>{instrument.name}</span>
        )}
      </h2>
      <dl className="figures">
        <div>
          <dt>Last</dt>
          <dd className={classes.last}>{formatPrice(quote?.last, tick)}</dd>
        </div>
        <div>
          <dt>Bid</dt>
          <dd>
            {formatPrice(quote?.bid, tick)}{' '}
            <span className="dim">{formatSize(quote?.bid_size)}</span>
          </dd>
        </div>
        <div>
          <dt>Ask</dt>
          <dd>
            {formatPrice(quote?.ask, tick)}{' '}
            <span className="dim">{formatSize(quote?.ask_size)}</span>
          </dd>
        </div>
      </dl>
    </div>
  )
}
