import type { ReactNode } from 'react'

import classes from './Panel.module.css'

interface PanelProps {
  title: string
  /** What stands at the right end of the heading. */
  actions?: ReactNode
  className?: string | undefined
  /** The heading is told to screen readers only. */
  quiet?: boolean
  children: ReactNode
}

/** A named region of the desk. */
export function Panel({ title, actions, className, quiet = false, children }: PanelProps) {
  return (
    <section className={`${classes.panel} ${className ?? ''}`} aria-label={title}>
      {!quiet && (
        <header className={classes.heading}>
          <h2>{title}</h2>
          {actions}
        </header>
      )}
      <div className={classes.content}>{children}</div>
    </section>
  )
}
