import { TextInput } from '@mantine/core'
import type { KeyboardEvent, ReactNode } from 'react'

import { isDecimalText } from '../../decimal/decimal'
import { stepped } from '../../decimal/format'
import classes from './Ticket.module.css'

interface FigureFieldProps {
  id?: string
  label: string
  value: string
  /** What the arrow keys add or take: the lot or the tick. */
  step: string
  hint?: ReactNode
  error: string | undefined
  onChange: (value: string) => void
}

/**
 * A field for a decimal. It is a text field: a number field would turn the text into a float and
 * round it. The arrow keys step by lot or tick, with Shift by ten of them.
 */
export function FigureField({
  id,
  label,
  value,
  step,
  hint,
  error,
  onChange,
}: FigureFieldProps) {
  const unreadable = value.trim() !== '' && !isDecimalText(value)
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0
    if (direction === 0) return
    event.preventDefault()
    let next = value
    for (let times = event.shiftKey ? 10 : 1; times > 0; times -= 1) {
      next = stepped(next, step, direction)
    }
    onChange(next)
  }
  return (
    <TextInput
      {...(id === undefined ? {} : { id })}
      label={label}
      size="xs"
      inputMode="decimal"
      autoComplete="off"
      classNames={{ input: classes.figure ?? '', root: classes.field ?? '' }}
      rightSectionWidth="auto"
      rightSection={hint}
      value={value}
      error={unreadable ? 'Write a number such as 10 or 190.50.' : error}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  )
}
