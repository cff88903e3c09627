import { Empty } from '../../components/Empty'
import { SymbolLink } from '../../components/SymbolLink'
import table from '../../components/Table.module.css'
import { decimal, sign } from '../../decimal/decimal'
import {
  formatFee,
  formatMoment,
  formatMoney,
  formatPrice,
  formatQuantity,
  formatSignedMoney,
  nothing,
} from '../../decimal/format'
import { useDesk } from '../../live/store'
import { useTickOf } from '../desk/useInstruments'

/** Every fill, the newest first. */
export function Fills() {
  const fills = useDesk((state) => state.live.fills)
  const tickOf = useTickOf()
  if (fills.length === 0) return <Empty>No fills yet. Each trade of yours appears here.</Empty>
  return (
    <div className={`${table.frame} scroll`}>
      <table className={table.table}>
        <thead>
          <tr>
            <th>Symbol</th>
            <th>Side</th>
            <th className={table.number}>Quantity</th>
            <th className={table.number}>Price</th>
            <th className={table.number}>Notional</th>
            <th className={table.number}>Fee</th>
            <th className={table.number}>Realised P&amp;L</th>
            <th>Liquidity</th>
            <th>Time</th>
          </tr>
        </thead>
        <tbody>
          {fills.map((fill) => (
            <tr key={fill.id}>
              <td>
                <SymbolLink symbol={fill.symbol} />
              </td>
              <td className={fill.side === 'buy' ? 'up' : 'down'}>{fill.side}</td>
              <td className={table.number} data-label="Quantity">
                {formatQuantity(fill.qty)}
              </td>
              <td className={table.number} data-label="Price">
                {formatPrice(fill.price, tickOf(fill.symbol))}
              </td>
              <td className={table.number} data-label="Notional">
                {formatMoney(fill.notional)}
              </td>
              <td className={table.number} data-label="Fee">
                {formatFee(fill.fee)}
              </td>
              <td className={`${table.number} ${toneOf(fill.realized_pl)}`} data-label="P&L">
                {realizedText(fill.realized_pl)}
              </td>
              <td data-label="Liquidity">{fill.liquidity}</td>
              <td data-label="Time">{formatMoment(fill.time)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A fill that opens a position realises nothing. */
function realizedText(profit: string): string {
  return sign(decimal(profit)) === 0 ? nothing : formatSignedMoney(profit)
}

function toneOf(profit: string): string {
  const direction = sign(decimal(profit))
  return direction === 0 ? '' : direction > 0 ? 'up' : 'down'
}
