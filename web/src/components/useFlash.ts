import { useState } from 'react'

import { compare, parseDecimal } from '../decimal/decimal'

/**
 * "up1", "up2", "down1", "down2" or nothing: the direction of the last change. The number swaps so
 * that two rises in a row start the animation twice.
 */
export function useFlash(figure: string | null | undefined): string | undefined {
  const [seen, setSeen] = useState({ figure, flash: undefined as string | undefined })
  if (figure !== seen.figure) setSeen({ figure, flash: flashOf(seen, figure) })
  return seen.flash
}

function flashOf(
  seen: { figure: string | null | undefined; flash: string | undefined },
  figure: string | null | undefined,
): string | undefined {
  const before = parseDecimal(seen.figure ?? '')
  const after = parseDecimal(figure ?? '')
  if (before === null || after === null) return undefined
  const direction = compare(after, before) > 0 ? 'up' : 'down'
  return seen.flash === `${direction}1` ? `${direction}2` : `${direction}1`
}
