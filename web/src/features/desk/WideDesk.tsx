import type { Instrument } from '../../api/types'
import { ChartPanel } from '../chart/ChartPanel'
import { EquityPanel } from '../equity/EquityPanel'
import { OrderBook } from '../orderbook/OrderBook'
import { Prints } from '../prints/Prints'
import { Ticket } from '../ticket/Ticket'
import { Watchlist } from '../watchlist/Watchlist'
import classes from './Desk.module.css'
import { FirstSteps } from './FirstSteps'
import { Portfolio } from './Portfolio'

/** The whole desk on one screen. */
export function WideDesk({ instrument }: { instrument: Instrument }) {
  return (
    <main className={classes.grid}>
      <Watchlist className={classes.watchlist} />
      <div className={classes.chart}>
        <ChartPanel instrument={instrument} />
      </div>
      <div className={classes.book}>
        <OrderBook instrument={instrument} />
      </div>
      <div className={`${classes.ticket} scroll`}>
        <FirstSteps />
        <Ticket instrument={instrument} />
        <EquityPanel className={classes.equity} />
      </div>
      <div className={classes.portfolio}>
        <Portfolio />
      </div>
      <div className={classes.prints}>
        <Prints instrument={instrument} />
      </div>
    </main>
  )
}
