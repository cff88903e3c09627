import { Alert, Button, Modal } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type SubmitEvent } from 'react'

import { exchange } from '../../api/exchange'
import type { Order } from '../../api/types'
import { messagesReceived, useSend } from '../../live/store'
import { useTickOf } from '../desk/useInstruments'
import { FigureField } from '../ticket/FigureField'
import { remarkOfError, remarksFor, type Field } from '../ticket/verdicts'
import classes from './ReplaceDialog.module.css'
import { changesOf, figuresOf } from './replacement'

/** Changes quantity or prices of a waiting order; it keeps its id. */
export function ReplaceDialog({ order, close }: { order: Order; close: () => void }) {
  const [figures, setFigures] = useState(() => figuresOf(order))
  const tick = useTickOf()(order.symbol)
  const send = useSend()
  const replacing = useMutation({
    mutationFn: () => exchange.replace(order.id, changesOf(order, figures)),
    onSuccess: (replaced) => {
      send(messagesReceived([{ kind: 'order', order: replaced }]))
      close()
    },
  })
  const shown = Object.keys(figures) as Field[]
  const remarks = replacing.error === null ? [] : [remarkOfError(replacing.error, shown)]
  const unchanged = Object.keys(changesOf(order, figures)).length === 0
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (!unchanged) replacing.mutate()
  }
  const labels = { qty: 'Quantity', limit_price: 'Limit price', stop_price: 'Stop price' }
  return (
    <Modal opened onClose={close} title={`Change the ${order.symbol} order`} size="xs" centered>
      <form onSubmit={submit} noValidate className={classes.form}>
        {(['qty', 'stop_price', 'limit_price'] as const).map((field) => {
          const value = figures[field]
          if (value === undefined) return null
          return (
            <FigureField
              key={field}
              label={labels[field]}
              value={value}
              step={field === 'qty' ? '1' : tick}
              error={remarksFor(field, remarks)}
              onChange={(next) => setFigures({ ...figures, [field]: next })}
            />
          )
        })}
        {remarksFor('form', remarks) !== undefined && (
          <Alert role="alert" color="red" variant="light" p="xs">
            {remarksFor('form', remarks)}
          </Alert>
        )}
        <Button type="submit" loading={replacing.isPending} disabled={unchanged}>
          Change order
        </Button>
      </form>
    </Modal>
  )
}
