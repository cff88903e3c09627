import type { ReactNode } from 'react'

import classes from './Table.module.css'

/** What a list says while it has nothing: why, and what would fill it. */
export function Empty({ children }: { children: ReactNode }) {
  return <p className={classes.empty}>{children}</p>
}
