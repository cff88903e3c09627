import { useEffect, useState } from 'react'

import type { Connection } from '../../live/state'
import { useDesk } from '../../live/store'
import classes from './ConnectionState.module.css'

const words: Readonly<Record<Connection, string>> = {
  live: 'Live',
  connecting: 'Connecting',
  waiting: 'No connection',
  offline: 'Offline',
  refused: 'Logged out',
}

/** Whether what is shown is of this moment. */
export function ConnectionState({ retry }: { retry: () => void }) {
  const connection = useDesk((state) => state.live.connection)
  const retryAt = useDesk((state) => state.live.retryAt)
  return (
    <div className={classes.state} data-connection={connection}>
      <span className={classes.dot} aria-hidden="true" />
      <span role="status">{words[connection]}</span>
      {retryAt !== null && (
        <>
          <Countdown until={retryAt} />
          <button type="button" onClick={retry}>
            Retry now
          </button>
        </>
      )}
    </div>
  )
}

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(0, Math.ceil((until - now) / 1_000))
  return <span className="figures">, next attempt in {seconds} s</span>
}
