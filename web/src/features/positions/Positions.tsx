import { Button } from '@mantine/core'

import { asSentence } from '../../api/problem'
import type { Position } from '../../api/types'
import { Empty } from '../../components/Empty'
import { SymbolLink } from '../../components/SymbolLink'
import table from '../../components/Table.module.css'
import { sign } from '../../decimal/decimal'
import {
  formatAveragePrice,
  formatChange,
  formatMoney,
  formatPrice,
  formatQuantity,
  formatSignedMoney,
} from '../../decimal/format'
import { useDesk } from '../../live/store'
import { valuedPosition } from '../../live/valuation'
import { useTickOf } from '../desk/useInstruments'
import { useClose } from './useClose'

/** What the account holds, valued at the quotes of this moment. */
export function Positions() {
  const positions = useDesk((state) => state.live.positions)
  const held = Object.values(positions).sort((left, right) =>
    left.symbol < right.symbol ? -1 : 1,
  )
  if (held.length === 0) return <Empty>No positions. What you buy appears here.</Empty>
  return (
    <div className={`${table.frame} scroll`}>
      <table className={table.table}>
        <thead>
          <tr>
            <th>Symbol</th>
            <th className={table.number}>Quantity</th>
            <th className={table.number}>Average price</th>
            <th className={table.number}>Price</th>
            <th className={table.number}>Value</th>
            <th className={table.number}>Unrealised P&amp;L</th>
            <th>
              <span className="visually-hidden">Close</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {held.map((position) => (
            <Row key={position.symbol} position={position} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ position }: { position: Position }) {
  const { symbol } = position
  const quote = useDesk((state) => state.live.quotes[symbol])
  const tick = useTickOf()(symbol)
  const valued = valuedPosition(position, quote)
  const tone = valued.profitNow === null ? '' : toneOf(sign(valued.profitNow))
  const closing = useClose(position)
  return (
    <>
      <tr>
        <td>
          <SymbolLink symbol={symbol} />
        </td>
        <td className={table.number} data-label="Quantity">
          {formatQuantity(position.qty)}
        </td>
        <td className={table.number} data-label="Average price">
          {formatAveragePrice(position.avg_entry_price, tick)}
        </td>
        <td className={table.number} data-label="Price">
          {formatPrice(valued.priceNow, tick)}
        </td>
        <td className={table.number} data-label="Value">
          {formatMoney(valued.valueNow)}
        </td>
        <td className={`${table.number} ${tone}`} data-label="P&L">
          <span>
            {formatSignedMoney(valued.profitNow)} (
            {formatChange(position.cost_basis, valued.valueNow)})
          </span>
        </td>
        <td className={table.actions}>
          <Button
            size="compact-xs"
            variant="default"
            loading={closing.isPending}
            aria-label={`Close ${symbol}: sell ${formatQuantity(position.qty)} at market`}
            onClick={() => closing.mutate()}
          >
            Close
          </Button>
        </td>
      </tr>
      {closing.error !== null && (
        <tr>
          <td colSpan={7} className={`${table.problem} ${table.wide}`} role="alert">
            {symbol} was not closed. {asSentence(closing.error.message)}
          </td>
        </tr>
      )}
    </>
  )
}

function toneOf(direction: -1 | 0 | 1): string {
  return direction === 0 ? '' : direction > 0 ? 'up' : 'down'
}
