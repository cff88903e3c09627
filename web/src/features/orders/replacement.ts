import type { Order } from '../../api/types'

export interface Figures {
  qty: string
  limit_price?: string
  stop_price?: string
}

/** What of an order can be changed: the figures that it has. */
export function figuresOf(order: Order): Figures {
  return {
    qty: order.qty,
    ...(order.stop_price === null ? {} : { stop_price: order.stop_price }),
    ...(order.limit_price === null ? {} : { limit_price: order.limit_price }),
  }
}

/** Only what differs is sent; an order keeps its place in the queue if its price is not named. */
export function changesOf(order: Order, figures: Figures): Partial<Figures> {
  const before = figuresOf(order)
  const changed = Object.entries(figures).filter(
    ([name, value]) => String(value).trim() !== before[name as keyof Figures],
  )
  return Object.fromEntries(changed.map(([name, value]) => [name, String(value).trim()]))
}
