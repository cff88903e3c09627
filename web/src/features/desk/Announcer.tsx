import { useEffect, useState } from 'react'

import type { Fill } from '../../api/types'
import { formatPrice, formatQuantity } from '../../decimal/format'
import { useDesk } from '../../live/store'
import classes from './Announcer.module.css'
import { useTickOf } from './useInstruments'

const shownMs = 6_000
const shownAtOnce = 3

/** Tells fills as they come, to the eye for some seconds and to screen readers. */
export function Announcer() {
  const fresh = useDesk((state) => state.live.freshFills)
  const fills = useDesk((state) => state.live.fills)
  const [readId, setReadId] = useState<string | null>(null)
  const tickOf = useTickOf()
  const unread = readId === null ? fresh : fresh.slice(fresh.lastIndexOf(readId) + 1)
  const news = unread.slice(-shownAtOnce)

  useEffect(() => {
    const newest = fresh.at(-1)
    if (newest === undefined) return
    const timer = setTimeout(() => setReadId(newest), shownMs)
    return () => clearTimeout(timer)
  }, [fresh])

  return (
    <div className={classes.stack} role="log" aria-live="polite" aria-label="Fills">
      {news.map((id) => {
        const fill = fills.find((known) => known.id === id)
        if (fill === undefined) return null
        return (
          <p key={id} className={`${classes.note} figures`} data-side={fill.side}>
            {fillSentence(fill, tickOf(fill.symbol))}
          </p>
        )
      })}
    </div>
  )
}

export function fillSentence(fill: Fill, tick: string): string {
  const verb = fill.side === 'buy' ? 'Bought' : 'Sold'
  return `${verb} ${formatQuantity(fill.qty)} ${fill.symbol} at ${formatPrice(fill.price, tick)}`
}
