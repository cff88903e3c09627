/** Connects the stream to the store for as long as the desk is shown. */

import { useEffect, useState } from 'react'
import { useStore } from 'react-redux'

import { exchange } from '../api/exchange'
import { refresh } from '../api/refresh'
import type { Order } from '../api/types'
import { session } from '../features/auth/session'
import { messagesReceived, type Store } from './store'
import { closedOrdersKept } from './state'
import { Stream } from './stream'

const renewPauseMs = 10_000

/** The stream, once it is open; give it the market channels to follow. */
export function useLiveDesk(): Stream | null {
  const store = useStore() as unknown as Store
  const [stream, setStream] = useState<Stream | null>(null)
  useEffect(() => {
    const renewed = renewing()
    const opened = new Stream({
      openSocket: () => new WebSocket(streamAddress(window.location)),
      token: session.token,
      orderHistory,
      state: () => store.getState().live,
      receive: (messages) => store.dispatch(messagesReceived(messages)),
      refused: () => void renewed().then((ok) => (ok ? opened.open() : session.end())),
      beforeNextFrame,
    })
    const retry = () => opened.retryNow()
    window.addEventListener('online', retry)
    opened.open()
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the stream exists from here on
    setStream(opened)
    return () => {
      window.removeEventListener('online', retry)
      opened.close()
    }
  }, [store])
  return stream
}

/** Gets new tokens for the stream, but not again and again when they are refused, too. */
function renewing(): () => Promise<boolean> {
  let before = -Infinity
  return async () => {
    const isSoon = Date.now() - before < renewPauseMs
    before = Date.now()
    return !isSoon && (await refresh())
  }
}

async function orderHistory(accountId: string): Promise<readonly Order[]> {
  return (await exchange.orders(accountId, closedOrdersKept)).items
}

function streamAddress(page: Location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/api/v1/stream`
}

/** A hidden page draws no frames, but its state must go on. */
function beforeNextFrame(action: () => void): void {
  if (document.hidden) setTimeout(action, 250)
  else requestAnimationFrame(action)
}
