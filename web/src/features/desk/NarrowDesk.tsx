import type { Instrument } from '../../api/types'
import { QuoteLine } from '../chart/QuoteLine'
import { ChartPanel } from '../chart/ChartPanel'
import { EquityPanel } from '../equity/EquityPanel'
import { OrderBook } from '../orderbook/OrderBook'
import { Prints } from '../prints/Prints'
import { Ticket } from '../ticket/Ticket'
import { Watchlist } from '../watchlist/Watchlist'
import classes from './Desk.module.css'
import { FirstSteps } from './FirstSteps'
import { Portfolio } from './Portfolio'

const tabs = [
  { value: 'markets', label: 'Markets' },
  { value: 'chart', label: 'Chart' },
  { value: 'book', label: 'Book' },
  { value: 'trade', label: 'Trade' },
  { value: 'portfolio', label: 'Portfolio' },
] as const

export type NarrowTab = (typeof tabs)[number]['value']

interface NarrowDeskProps {
  instrument: Instrument
  tab: NarrowTab
  show: (tab: NarrowTab) => void
}

/** One part of the desk at a time, chosen with the thumb. */
export function NarrowDesk({ instrument, tab, show }: NarrowDeskProps) {
  return (
    <>
      <main className={`${classes.narrow} scroll`}>
        <NarrowPart instrument={instrument} tab={tab} show={show} />
      </main>
      <nav className={classes.tabs} aria-label="Parts of the desk">
        {tabs.map(({ value, label }) => (
          <button
            key={value}
            type="button"
            aria-current={tab === value ? 'page' : undefined}
            onClick={() => show(value)}
          >
            {label}
          </button>
        ))}
      </nav>
    </>
  )
}

function NarrowPart({ instrument, tab, show }: NarrowDeskProps) {
  switch (tab) {
    case 'markets':
      return (
        <>
          <FirstSteps onFill={() => show('trade')} />
          <Watchlist onChoose={() => show('chart')} />
        </>
      )
    case 'chart':
      return <ChartPanel instrument={instrument} />
    case 'book':
      return (
        <>
          <OrderBook instrument={instrument} onPick={() => show('trade')} />
          <Prints instrument={instrument} />
        </>
      )
    case 'trade':
      return (
        <>
          <FirstSteps onFill={() => show('trade')} />
          <header>
            <QuoteLine instrument={instrument} />
          </header>
          <Ticket instrument={instrument} />
        </>
      )
    case 'portfolio':
      return (
        <>
          <Portfolio />
          <EquityPanel className={classes.equity} />
        </>
      )
  }
}
