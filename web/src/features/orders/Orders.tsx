import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useMemo, useState } from 'react'

import { exchange } from '../../api/exchange'
import { sentenceOf } from '../../api/problem'
import type { Order } from '../../api/types'
import { Empty } from '../../components/Empty'
import { SymbolLink } from '../../components/SymbolLink'
import table from '../../components/Table.module.css'
import {
  formatAveragePrice,
  formatMoment,
  formatPrice,
  formatQuantity,
} from '../../decimal/format'
import { isOpen } from '../../live/state'
import { useDesk } from '../../live/store'
import { useTickOf } from '../desk/useInstruments'
import { wordsOf } from '../ticket/Outcome'
import { ReplaceDialog } from './ReplaceDialog'

/** `open`: what waits, to cancel or change. `closed`: what became of the others. */
export function Orders({ show }: { show: 'open' | 'closed' }) {
  const all = useDesk((state) => state.live.orders)
  const orders = useMemo(
    () =>
      Object.values(all)
        .filter((order) => isOpen(order) === (show === 'open'))
        .sort((left, right) => (left.created_at < right.created_at ? 1 : -1)),
    [all, show],
  )
  if (orders.length === 0) {
    return (
      <Empty>
        {show === 'open'
          ? 'No open orders. A limit order that does not fill at once waits here.'
          : 'No orders yet.'}
      </Empty>
    )
  }
  return (
    <div className={`${table.frame} scroll`}>
      <table className={table.table}>
        <thead>
          <tr>
            <th>Symbol</th>
            <th>Side</th>
            <th>Type</th>
            <th className={table.number}>Quantity</th>
            <th className={table.number}>Filled</th>
            <th className={table.number}>Price</th>
            <th>Status</th>
            <th>Placed</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {orders.map((order) => (
            <Row key={order.id} order={order} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ order }: { order: Order }) {
  const tick = useTickOf()(order.symbol)
  const canceling = useMutation({ mutationFn: () => exchange.cancel(order.id) })
  return (
    <>
      <tr data-order={order.client_order_id}>
        <td>
          <SymbolLink symbol={order.symbol} />
        </td>
        <td className={order.side === 'buy' ? 'up' : 'down'}>{order.side}</td>
        <td data-label="Type">
          {wordsOf(order.type)} <span className="dim">{order.time_in_force.toUpperCase()}</span>
        </td>
        <td className={table.number} data-label="Quantity">
          {formatQuantity(order.qty)}
        </td>
        <td className={table.number} data-label="Filled">
          {formatQuantity(order.filled_qty)}
          {order.filled_avg_price !== null && (
            <span className="dim"> at {formatAveragePrice(order.filled_avg_price, tick)}</span>
          )}
        </td>
        <td className={table.number} data-label="Price">
          {order.stop_price !== null && (
            <span>
              <span className="dim">stop</span> {formatPrice(order.stop_price, tick)}{' '}
            </span>
          )}
          {(order.limit_price !== null || order.stop_price === null) &&
            formatPrice(order.limit_price, tick)}
        </td>
        <td data-label="Status">
          {wordsOf(order.status)}
          {order.reason !== null && <span className="dim"> {wordsOf(order.reason)}</span>}
        </td>
        <td data-label="Placed">{formatMoment(order.created_at)}</td>
        <td className={table.actions}>
          {isOpen(order) && (
            <RowActions
              order={order}
              canceling={canceling.isPending}
              cancel={() => canceling.mutate()}
            />
          )}
        </td>
      </tr>
      {canceling.error !== null && isOpen(order) && (
        <tr>
          <td colSpan={9} className={`${table.problem} ${table.wide}`} role="alert">
            {sentenceOf(canceling.error)}
          </td>
        </tr>
      )}
    </>
  )
}

interface RowActionsProps {
  order: Order
  canceling: boolean
  cancel: () => void
}

function RowActions({ order, canceling, cancel }: RowActionsProps) {
  const [replacing, setReplacing] = useState(false)
  const what = `${order.side} ${formatQuantity(order.qty)} ${order.symbol}`
  return (
    <>
      <Button
        size="compact-xs"
        variant="subtle"
        aria-label={`Change the order to ${what}`}
        onClick={() => setReplacing(true)}
      >
        Change
      </Button>{' '}
      <Button
        size="compact-xs"
        variant="default"
        loading={canceling}
        aria-label={`Cancel the order to ${what}`}
        onClick={cancel}
      >
        Cancel
      </Button>
      {replacing && <ReplaceDialog order={order} close={() => setReplacing(false)} />}
    </>
  )
}
