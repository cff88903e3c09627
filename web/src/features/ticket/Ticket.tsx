import { Button, NativeSelect, SegmentedControl } from '@mantine/core'
import type { SubmitEvent } from 'react'

import type { Instrument, OrderType, Side, TimeInForce } from '../../api/types'
import { Panel } from '../../components/Panel'
import { formatQuantity } from '../../decimal/format'
import { useDesk, useSend } from '../../live/store'
import { quantityFieldId } from '../desk/shortcuts'
import { drafted, needsLimit, needsStop, orderOf, typeChosen, type Draft } from './draft'
import { FigureField } from './FigureField'
import { Outcome } from './Outcome'
import { PreviewFigures } from './PreviewFigures'
import classes from './Ticket.module.css'
import { usePreview } from './usePreview'
import { isSame, useOrderQueue } from './useOrderQueue'
import {
  remarkOf,
  remarkOfError,
  remarkOfStop,
  remarksFor,
  type Field,
  type Remark,
} from './verdicts'

const types: { value: OrderType; label: string }[] = [
  { value: 'market', label: 'Market' },
  { value: 'limit', label: 'Limit' },
  { value: 'stop', label: 'Stop' },
  { value: 'stop_limit', label: 'Stop limit' },
]

const timesInForce: { value: TimeInForce; label: string }[] = [
  { value: 'day', label: 'Day' },
  { value: 'gtc', label: 'Until canceled (GTC)' },
  { value: 'ioc', label: 'At once, or cancel the rest (IOC)' },
  { value: 'fok', label: 'All at once or nothing (FOK)' },
]

/** Writes an order, says what it would do, and sends it. */
export function Ticket({ instrument }: { instrument: Instrument }) {
  const draft = useDesk((state) => state.draft)
  const accountId = useDesk((state) => state.live.account?.id)
  const order = accountId === undefined ? null : orderOf(draft, accountId, instrument.symbol)
  const { preview, error, stale } = usePreview(order)
  const sending = useOrderQueue(order)
  const shown = fieldsOf(draft)
  const foreseen = (stale ? [] : (preview?.rejections ?? [])).map((verdict) =>
    remarkOf(verdict, shown),
  )
  const refusal =
    isSame(sending.variables, order) && sending.error !== null
      ? [remarkOfError(sending.error, shown)]
      : []
  const remarks = [
    ...foreseen,
    ...(error === null ? [] : [remarkOfError(error, shown)]),
    ...refusal.filter(({ reason }) => foreseen.every((remark) => remark.reason !== reason)),
    ...(sending.stopped === null ? [] : [remarkOfStop(sending.stopped)]),
  ]
  const warnings = (stale ? [] : (preview?.warnings ?? [])).map((verdict) =>
    remarkOf(verdict, ['form']),
  )
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (order !== null) sending.submit(order)
  }
  return (
    <Panel title="Order ticket">
      <form className={classes.form} onSubmit={submit} noValidate aria-label="Order ticket">
        <DraftFields instrument={instrument} draft={draft} remarks={remarks} />
        <PreviewFigures
          preview={preview}
          stale={stale}
          instrument={instrument}
          warnings={warnings}
        />
        <Button
          type="submit"
          fullWidth
          className={classes[draft.side] ?? ''}
          aria-disabled={order === null}
          aria-busy={sending.isPending}
        >
          {draft.side === 'buy' ? 'Buy' : 'Sell'} {formatQuantity(draft.qty || '0')}{' '}
          {instrument.symbol}
        </Button>
        <Outcome
          remark={remarksFor('form', remarks)}
          attempt={sending.attempt}
          order={sending.data}
          tick={instrument.tick_size}
        />
      </form>
    </Panel>
  )
}

function fieldsOf(draft: Draft): Field[] {
  return [
    'qty',
    ...(needsLimit(draft.type) ? (['limit_price'] as const) : []),
    ...(needsStop(draft.type) ? (['stop_price'] as const) : []),
    'time_in_force',
  ]
}

interface DraftFieldsProps {
  instrument: Instrument
  draft: Draft
  remarks: readonly Remark[]
}

function DraftFields({ instrument, draft, remarks }: DraftFieldsProps) {
  const send = useSend()
  const quote = useDesk((state) => state.live.quotes[instrument.symbol])
  const change = (changes: Partial<Draft>) => send(drafted(changes))
  return (
    <>
      <SegmentedControl
        fullWidth
        aria-label="Side"
        className={classes.sides ?? ''}
        data-side={draft.side}
        data={[
          { value: 'buy', label: 'Buy' },
          { value: 'sell', label: 'Sell' },
        ]}
        value={draft.side}
        onChange={(side) => change({ side: side })}
      />
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label="Order type"
        data={types}
        value={draft.type}
        onChange={(type) => send(typeChosen({ type, quote }))}
      />
      <FigureField
        id={quantityFieldId}
        label="Quantity"
        value={draft.qty}
        step={instrument.lot_size}
        hint={<Held symbol={instrument.symbol} side={draft.side} />}
        error={remarksFor('qty', remarks)}
        onChange={(qty) => change({ qty })}
      />
      {needsStop(draft.type) && (
        <FigureField
          label="Stop price"
          value={draft.stopPrice}
          step={instrument.tick_size}
          error={remarksFor('stop_price', remarks)}
          onChange={(stopPrice) => change({ stopPrice })}
        />
      )}
      {needsLimit(draft.type) && (
        <FigureField
          label="Limit price"
          value={draft.limitPrice}
          step={instrument.tick_size}
          error={remarksFor('limit_price', remarks)}
          onChange={(limitPrice) => change({ limitPrice })}
        />
      )}
      <NativeSelect
        label="Valid"
        size="xs"
        data={timesInForce}
        value={draft.timeInForce}
        error={remarksFor('time_in_force', remarks)}
        onChange={(event) => change({ timeInForce: event.currentTarget.value as TimeInForce })}
      />
    </>
  )
}

/** What can be sold, one click away from the field. */
function Held({ symbol, side }: { symbol: string; side: Side }) {
  const held = useDesk((state) => state.live.positions[symbol]?.qty)
  const send = useSend()
  if (held === undefined || side === 'buy') return null
  return (
    <button type="button" className={classes.all} onClick={() => send(drafted({ qty: held }))}>
      All {formatQuantity(held)}
    </button>
  )
}
