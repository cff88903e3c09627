import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useMemo, useSyncExternalStore } from 'react'
import { Provider } from 'react-redux'

import { Problem } from './api/problem'
import { Fallback } from './components/Fallback'
import { AuthScreen } from './features/auth/AuthScreen'
import { session } from './features/auth/session'
import { createStore } from './live/store'

/** The desk is fetched while the visitor logs in, so the first screen is there at once. */
const importDesk = () => import('./features/desk/Desk')
const Desk = lazy(() => importDesk().then((module) => ({ default: module.Desk })))

/** The door or the desk. What was fetched for one login is forgotten with it. */
export function App() {
  const visit = useSyncExternalStore(session.subscribe, session.visit)
  return <Fallback>{visit === null ? <Door /> : <DeskOf key={visit} />}</Fallback>
}

function Door() {
  const queries = useMemo(() => createQueries(), [])
  useEffect(() => void importDesk(), [])
  return (
    <QueryClientProvider client={queries}>
      <AuthScreen />
    </QueryClientProvider>
  )
}

function DeskOf() {
  const queries = useMemo(() => createQueries(), [])
  const store = useMemo(() => createStore(), [])
  return (
    <QueryClientProvider client={queries}>
      <Provider store={store}>
        <Suspense fallback={<p className="visually-hidden">Opening the desk</p>}>
          <Desk />
        </Suspense>
      </Provider>
    </QueryClientProvider>
  )
}

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        // What the server has answered with a reason will not change by asking again.
        retry: (failures, error) => failures < 3 && !isAnswer(error),
      },
    },
  })
}

function isAnswer(error: Error): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500
}
