import { lazy, Suspense } from 'react'

import { Empty } from '../../components/Empty'
import { Panel } from '../../components/Panel'
import { decimalText } from '../../decimal/decimal'
import { useDesk } from '../../live/store'
import { equityNow } from '../../live/valuation'
import classes from './EquityPanel.module.css'
import { useEquityHistory } from './useEquityHistory'

const EquityChart = lazy(() =>
  import('./EquityChart').then((module) => ({ default: module.EquityChart })),
)

/** Fewer points are no curve. */
const pointsMin = 3

/** How the account's worth went, up to this moment. */
export function EquityPanel({ className }: { className?: string | undefined }) {
  const points = useEquityHistory()
  // As text, so that an unchanged figure draws nothing anew.
  const now = useDesk((state) => {
    const equity = equityNow(state.live)
    return equity === null ? null : decimalText(equity)
  })
  return (
    <Panel title="Equity" className={className}>
      <div className={classes.canvas}>
        {points.length < pointsMin ? (
          <Empty>The curve begins some minutes after your first trade.</Empty>
        ) : (
          <Suspense fallback={null}>
            <EquityChart points={points} now={now} />
          </Suspense>
        )}
      </div>
    </Panel>
  )
}
