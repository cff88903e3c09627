import type { Instrument, Print } from '../../api/types'
import { Empty } from '../../components/Empty'
import { Panel } from '../../components/Panel'
import { formatPrice, formatSize, formatTime } from '../../decimal/format'
import { useDesk } from '../../live/store'
import classes from './Prints.module.css'

const noPrints: readonly Print[] = []

/** The tape: trades as they happen, the newest on top. */
export function Prints({ instrument }: { instrument: Instrument }) {
  const prints = useDesk((state) => state.live.prints[instrument.symbol] ?? noPrints)
  return (
    <Panel title="Prints">
      {prints.length === 0 ? (
        <Empty>Waiting for the next trade.</Empty>
      ) : (
        // A scrolling list must be reachable without a mouse.
        <ol className={`${classes.tape} scroll figures`} tabIndex={0} aria-label="Trades">
          {prints.map((print, at) => (
            <li key={`${print.time} ${prints.length - at}`}>
              <span className={print.side === 'sell' ? 'down' : 'up'}>
                {formatPrice(print.price, instrument.tick_size)}
              </span>
              <span>{formatSize(print.qty)}</span>
              <time className="dim" dateTime={print.time}>
                {formatTime(print.time)}
              </time>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}
