/** Puts a part of the desk on a page, with a server of the test's making behind `fetch`. */

import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render } from '@testing-library/react'
import type { ReactNode } from 'react'
import { Provider } from 'react-redux'
import { vi } from 'vitest'

import { createStore } from '../live/store'
import { theme } from '../theme'

export function showPage(part: ReactNode, store = createStore()) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>
        <Provider store={store}>{part}</Provider>
      </QueryClientProvider>
    </MantineProvider>,
  )
  return store
}

export interface Asked {
  route: string
  body: Record<string, unknown> | null
}

type Answer = readonly [status: number, body: unknown]
type Answering = (asked: Asked) => Answer | Promise<Answer>

/** Answers requests by "METHOD /path"; a function may answer differently each time. */
export function serve(routes: Record<string, Answer | Answering>): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const route = `${request.method} ${new URL(request.url).pathname.replace('/api/v1', '')}`
    const text = await request.text()
    const call = { route, body: text === '' ? null : (JSON.parse(text) as Asked['body']) }
    asked.push(call)
    const answer = routes[route] ?? [404, { reason: 'not_found', detail: `no ${route}` }]
    const [status, body] = typeof answer === 'function' ? await answer(call) : answer
    return new Response(JSON.stringify(body), { status })
  })
  return asked
}
