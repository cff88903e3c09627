import type { OrderRequest, Position } from '../../api/types'
import { useDesk } from '../../live/store'
import { useSubmit } from '../ticket/useSubmit'

/** Ends a position with one market order the other way. */
export function useClose(position: Position) {
  const accountId = useDesk((state) => state.live.account?.id)
  const { mutate, isPending, error } = useSubmit()
  return {
    isPending,
    error,
    mutate: () => {
      if (accountId !== undefined) mutate(closingOrder(position, accountId))
    },
  }
}

export function closingOrder(position: Position, accountId: string): OrderRequest {
  const short = position.qty.startsWith('-')
  return {
    account_id: accountId,
    symbol: position.symbol,
    side: short ? 'buy' : 'sell',
    type: 'market',
    qty: short ? position.qty.slice(1) : position.qty,
    time_in_force: 'day',
  }
}
