/** Which field of the ticket a rejection, a warning or an error belongs to. */

import { asSentence, Problem, sentenceOf } from '../../api/problem'
import type { OrderRequest } from '../../api/types'
import { formatQuantity } from '../../decimal/format'
import type { Stopped } from './useOrderQueue'

export type Field = 'qty' | 'limit_price' | 'stop_price' | 'time_in_force' | 'form'

export interface Remark {
  field: Field
  reason: string
  detail: string
}

const fields: readonly Field[] = ['qty', 'limit_price', 'stop_price', 'time_in_force']

const fieldByReason: Readonly<Record<string, Field>> = {
  invalid_quantity: 'qty',
  invalid_lot: 'qty',
  order_too_large: 'qty',
  insufficient_quantity: 'qty',
  insufficient_buying_power: 'qty',
  would_not_fill: 'time_in_force',
}

/** The server names the field where it can; else the reason tells it. */
export function remarkOf(
  told: { reason: string; detail: string; field?: string | null },
  shown: readonly Field[],
): Remark {
  const named = fields.find((field) => field === told.field)
  const priceField = shown.includes('limit_price') ? 'limit_price' : 'stop_price'
  const guessed = /tick|price/.test(told.reason) ? priceField : fieldByReason[told.reason]
  const field = named ?? guessed ?? 'form'
  return {
    field: shown.includes(field) ? field : 'form',
    reason: told.reason,
    detail: asSentence(told.detail),
  }
}

export function remarkOfError(error: unknown, shown: readonly Field[]): Remark {
  if (error instanceof Problem) {
    return remarkOf({ reason: error.reason, detail: error.message, field: error.field }, shown)
  }
  return { field: 'form', reason: 'unknown', detail: sentenceOf(error) }
}

/** A refusal that came when another order was written already: it names the orders. */
export function remarkOfStop({ refused, error, unsent }: Stopped): Remark {
  const { reason, detail } = remarkOfError(error, [])
  const left = unsent.map((order) => ` ${nameOf(order)} was not sent.`).join('')
  return { field: 'form', reason, detail: `${nameOf(refused)}: ${detail}${left}` }
}

function nameOf({ side, qty, symbol }: OrderRequest): string {
  return `${side === 'buy' ? 'Buy' : 'Sell'} ${formatQuantity(qty)} ${symbol}`
}

export function remarksFor(field: Field, remarks: readonly Remark[]): string | undefined {
  const sentences = remarks
    .filter((remark) => remark.field === field)
    .map(({ detail }) => detail)
  return sentences.length === 0 ? undefined : [...new Set(sentences)].join(' ')
}
