import type { Instrument } from '../../api/types'

/** Instruments whose symbol, name or sector has the words; those whose symbol begins so come first. */
export function matching(instruments: readonly Instrument[], search: string): Instrument[] {
  const words = search.trim().toLowerCase()
  if (words === '') return [...instruments]
  const found = instruments.filter((instrument) =>
    [instrument.symbol, instrument.name, instrument.sector ?? ''].some((text) =>
      text.toLowerCase().includes(words),
    ),
  )
  const begins = (instrument: Instrument) => instrument.symbol.toLowerCase().startsWith(words)
  return found.sort((left, right) => Number(begins(right)) - Number(begins(left)))
}
