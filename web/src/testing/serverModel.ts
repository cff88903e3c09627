/**
 * A naive exchange for one account: it knows the whole truth, tells it as snapshots, and tells each
 * change as the stream does. The reducer must come to the same truth by either way.
 */

import fc from 'fast-check'

import type { Fill, Order } from '../api/types'
import type { StreamMessage } from '../live/messages'
import { accountId, aFill, anAccount, anOrder, aPosition } from './examples'

export type Action =
  | { does: 'place'; symbol: string }
  | { does: 'fill'; which: number; parts: number }
  | { does: 'cancel'; which: number }
  | { does: 'sell_all'; which: number }

const symbol = fc.constantFrom('AAPL', 'MSFT', 'BTC/USD')

export const actions = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('place' as const), symbol }),
    fc.record({ does: fc.constant('fill' as const), which: fc.nat(), parts: fc.nat(2) }),
    fc.record({ does: fc.constant('cancel' as const), which: fc.nat() }),
    fc.record({ does: fc.constant('sell_all' as const), which: fc.nat() }),
  ),
  { maxLength: 30 },
)

export class ServerModel {
  #seq = 0
  #cash = 100_000
  #orders: Order[] = []
  #fills: Fill[] = []
  #held = new Map<string, number>()
  #messages: StreamMessage[] = []
  #newest = new Map<string, number>()

  act(action: Action): void {
    this.#seq += 1
    switch (action.does) {
      case 'place':
        this.#place(action.symbol)
        break
      case 'fill':
        this.#fill(action.which, action.parts + 1)
        break
      case 'cancel':
        this.#end(this.#open(action.which), 'canceled')
        break
      case 'sell_all':
        this.#sellAll(action.which)
        break
    }
  }

  snapshots(): StreamMessage[] {
    const items = {
      orders: this.#orders.filter((order) => order.status === 'new'),
      fills: [...this.#fills].reverse(),
      positions: [...this.#held]
        .filter(([, qty]) => qty !== 0)
        .map(([name, qty]) => aPosition({ symbol: name, qty: `${qty}` })),
    }
    return [
      { channel: 'account', data: this.#account() },
      { channel: 'positions', data: { items: items.positions } },
      { channel: 'orders', data: { items: items.orders } },
      { channel: 'fills', data: { items: items.fills } },
    ].map((each) => ({ ...each, type: 'snapshot', seq: this.#seq, account_id: accountId }))
  }

  messagesAfter(seq: number): StreamMessage[] {
    return this.#messages.filter((message) => Number(message.seq) > seq)
  }

  #account() {
    return anAccount({ cash: `${this.#cash}`, as_of_seq: this.#seq })
  }

  #tell(channel: string, data: unknown): void {
    const prev = this.#newest.get(channel) ?? null
    this.#newest.set(channel, this.#seq)
    const message = { channel, type: 'news', seq: this.#seq, prev, account_id: accountId, data }
    this.#messages.push(structuredClone(message))
  }

  #place(name: string): void {
    const order = anOrder({ id: `order-${this.#seq}`, symbol: name, as_of_seq: this.#seq })
    this.#orders.push(order)
    this.#tell('orders', order)
    this.#tell('account', this.#account())
  }

  /** One turn may have several fills. */
  #fill(which: number, parts: number): void {
    const order = this.#open(which)
    if (order === undefined) return
    for (let part = 0; part < parts; part += 1) this.#trade(order.symbol, 1, part)
    this.#end(order, 'filled')
  }

  #sellAll(which: number): void {
    const [name, qty] = [...this.#held][which % Math.max(1, this.#held.size)] ?? []
    if (name !== undefined && qty !== undefined && qty > 0) this.#trade(name, -qty, 0)
  }

  #trade(name: string, qty: number, part: number): void {
    const id = `fill-${this.#seq}-${part}`
    const fill = aFill({ id, symbol: name, qty: `${Math.abs(qty)}`, seq: this.#seq })
    this.#fills.push(fill)
    this.#cash -= qty * 10
    this.#held.set(name, (this.#held.get(name) ?? 0) + qty)
    this.#tell('fills', fill)
    this.#tell('positions', aPosition({ symbol: name, qty: `${this.#held.get(name) ?? 0}` }))
    this.#tell('account', this.#account())
  }

  #open(which: number): Order | undefined {
    const open = this.#orders.filter((order) => order.status === 'new')
    return open[which % Math.max(1, open.length)]
  }

  #end(order: Order | undefined, status: Order['status']): void {
    if (order === undefined) return
    Object.assign(order, { status, as_of_seq: this.#seq })
    this.#tell('orders', order)
  }
}
