import { decimal, sign, subtract } from '../../decimal/decimal'
import { formatMoney, formatSignedMoney } from '../../decimal/format'
import { useDesk } from '../../live/store'
import { equityNow } from '../../live/valuation'
import { dayStartEquity, useEquityHistory } from '../equity/useEquityHistory'
import classes from './AccountFigures.module.css'

/** What the account is worth and what it can spend. */
export function AccountFigures() {
  const account = useDesk((state) => state.live.account)
  const positions = useDesk((state) => state.live.positions)
  const quotes = useDesk((state) => state.live.quotes)
  const equity = equityNow({ account, positions, quotes })
  const dayStart = dayStartEquity(useEquityHistory())
  const today =
    equity === null || dayStart === null ? null : subtract(equity, decimal(dayStart))
  const tone = today === null || sign(today) === 0 ? '' : sign(today) > 0 ? 'up' : 'down'
  return (
    <dl className={`${classes.figures} figures`} aria-label="Account">
      <div>
        <dt>Equity</dt>
        <dd className={classes.first}>{formatMoney(equity)}</dd>
      </div>
      <div>
        <dt>Day P&amp;L</dt>
        <dd className={tone}>{formatSignedMoney(today)}</dd>
      </div>
      <div className={classes.optional}>
        <dt>Cash</dt>
        <dd>{formatMoney(account?.cash)}</dd>
      </div>
      <div>
        <dt>Buying power</dt>
        <dd>{formatMoney(account?.buying_power)}</dd>
      </div>
    </dl>
  )
}
