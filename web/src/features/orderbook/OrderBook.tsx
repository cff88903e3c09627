import { useMemo, type KeyboardEvent } from 'react'

import type { Instrument, Side } from '../../api/types'
import { Empty } from '../../components/Empty'
import { Panel } from '../../components/Panel'
import { decimalText } from '../../decimal/decimal'
import { formatPrice, formatSize, nothing } from '../../decimal/format'
import { isOpen } from '../../live/state'
import { useDesk, useSend } from '../../live/store'
import { pricePicked } from '../ticket/draft'
import { depthRows, spreadOf, type Row } from './depth'
import classes from './OrderBook.module.css'

interface OrderBookProps {
  instrument: Instrument
  /** Where one part of the desk is shown at a time, a picked price leads to the ticket. */
  onPick?: () => void
}

/** Ten levels of both sides. A price that is clicked goes into the ticket. */
export function OrderBook({ instrument, onPick }: OrderBookProps) {
  const book = useDesk((state) => state.live.books[instrument.symbol])
  const own = useOwnPrices(instrument.symbol)
  const { bids, asks } = depthRows(book?.bids ?? [], book?.asks ?? [])
  const send = useSend()
  const pick = (price: string) => {
    send(pricePicked(price))
    onPick?.()
  }
  const empty = bids.length === 0 && asks.length === 0
  return (
    <Panel title="Order book">
      <div className={classes.head} aria-hidden="true">
        <span>Price</span>
        <span>Size</span>
        <span>Orders</span>
      </div>
      {empty ? (
        <Empty>The book is empty for now.</Empty>
      ) : (
        <div className={classes.book} onKeyDown={moveFocus}>
          <Levels side="sell" rows={asks} own={own} tick={instrument.tick_size} pick={pick} />
          <SpreadLine instrument={instrument} />
          <Levels side="buy" rows={bids} own={own} tick={instrument.tick_size} pick={pick} />
        </div>
      )}
    </Panel>
  )
}

interface LevelsProps {
  side: Side
  rows: readonly Row[]
  own: ReadonlySet<string>
  tick: string
  pick: (price: string) => void
}

function Levels({ side, rows, own, tick, pick }: LevelsProps) {
  const name = side === 'buy' ? 'Bids' : 'Asks'
  return (
    <ul className={classes.levels} data-side={side} aria-label={name}>
      {rows.map((row, at) => (
        <li key={row.price}>
          <button
            type="button"
            className={`${classes.level} figures`}
            // One stop per side in the tab order; the arrow keys reach the others.
            tabIndex={at === 0 ? 0 : -1}
            style={{ '--depth': `${row.depth.toFixed(1)}%` } as React.CSSProperties}
            aria-label={`${side === 'buy' ? 'Bid' : 'Ask'} ${row.price}, size ${row.qty}; take this price`}
            onClick={() => pick(row.price)}
          >
            <span className={side === 'buy' ? 'up' : 'down'}>
              {formatPrice(row.price, tick)}
              {own.has(row.price) && <span className={classes.own} title="Your order" />}
            </span>
            <span>{formatSize(row.qty)}</span>
            <span className="dim">{row.orders}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

function SpreadLine({ instrument }: { instrument: Instrument }) {
  const book = useDesk((state) => state.live.books[instrument.symbol])
  const spread = spreadOf(book?.bids ?? [], book?.asks ?? [])
  return (
    <p className={`${classes.spread} figures`}>
      <span>Spread</span>
      <span>
        {spread === null ? nothing : formatPrice(spread.spread, instrument.tick_size)}
      </span>
      <span>{spread?.percent ? `${decimalText(spread.percent)}%` : ''}</span>
    </p>
  )
}

/** Prices where own orders rest, to mark them. */
function useOwnPrices(symbol: string): ReadonlySet<string> {
  const orders = useDesk((state) => state.live.orders)
  return useMemo(() => {
    const resting = Object.values(orders).filter(
      (order) => order.symbol === symbol && order.type === 'limit' && isOpen(order),
    )
    return new Set(resting.map((order) => order.limit_price ?? ''))
  }, [orders, symbol])
}

function moveFocus(event: KeyboardEvent<HTMLDivElement>) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0) return
  event.preventDefault()
  const asks = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-side=sell] button')]
  const bids = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-side=buy] button')]
  const inSight = [...asks.reverse(), ...bids]
  const here = inSight.findIndex((level) => level === document.activeElement)
  inSight[here + step]?.focus()
}
