import type { Order } from '../../api/types'
import { formatAveragePrice, formatQuantity } from '../../decimal/format'
import type { Attempt } from './submit'
import classes from './Ticket.module.css'

interface OutcomeProps {
  remark: string | undefined
  attempt: Attempt | null
  order: Order | undefined
  tick: string
}

/** What became of the order, told where it was sent and to screen readers. */
export function Outcome({ remark, attempt, order, tick }: OutcomeProps) {
  return (
    <div>
      <p role="alert" className={classes.problem}>
        {attempt === null ? remark : ''}
      </p>
      <p role="status" className={classes.outcome}>
        {attempt !== null
          ? attemptSentence(attempt)
          : order !== undefined && remark === undefined
            ? outcomeSentence(order, tick)
            : ''}
      </p>
    </div>
  )
}

export function attemptSentence({ number, problem }: Attempt): string {
  const why =
    problem.reason === 'outcome_unknown'
      ? 'The exchange did not confirm the order in time.'
      : problem.message
  return `${why} Asking again under the same order id (attempt ${number}); it cannot happen twice.`
}

export function outcomeSentence(order: Order, tick: string): string {
  const what = `${order.side === 'buy' ? 'Buy' : 'Sell'} ${formatQuantity(order.qty)} ${order.symbol}`
  const filled =
    `${formatQuantity(order.filled_qty)} filled ` +
    `at ${formatAveragePrice(order.filled_avg_price, tick)}`
  switch (order.status) {
    case 'filled':
      return `${what}: ${filled}.`
    case 'partially_filled':
      return `${what}: ${filled}, the rest is waiting in the book.`
    case 'canceled':
    case 'expired':
      return order.filled_avg_price === null
        ? `${what}: nothing was filled (${wordsOf(order.reason ?? order.status)}).`
        : `${what}: ${filled}, the rest was canceled (${wordsOf(order.reason ?? order.status)}).`
    case 'rejected':
      return `${what}: rejected (${wordsOf(order.reason ?? 'no reason')}).`
    case 'held':
      return `${what}: waiting for the stop price.`
    default:
      return order.type === 'stop' || order.type === 'stop_limit'
        ? `${what}: waiting for the stop price.`
        : `${what}: waiting in the book.`
  }
}

/** Names of the wire as words: "no_liquidity" reads "no liquidity". */
export function wordsOf(name: string): string {
  return name.replaceAll('_', ' ')
}
