/**
 * The client of the server's API: typed by the generated schema, so a route that changes does not
 * compile here. It adds the token, and throws what went wrong as a `Problem`.
 */

import createClient from 'openapi-fetch'

import { session } from '../features/auth/session'
import { problemOf, unreachable } from './problem'
import { refresh } from './refresh'
import type { paths } from './schema'

export const client = createClient<paths, 'application/json'>({
  // Looked up at each call, so that a test can put its own in place.
  fetch: (request) => globalThis.fetch(request),
  baseUrl: globalThis.location.origin,
})

/** Requests as they were sent, for when they must be sent again. */
const sent = new WeakMap<Request, Request>()

client.use({
  onRequest: ({ request }) => {
    if (showToken(request)) sent.set(request, request.clone())
    return request
  },
  // A request that was refused for its token did nothing, so it may be sent again with the next.
  onResponse: async ({ request, response }) => {
    const again = sent.get(request)
    if (response.status !== 401 || again === undefined || !(await refresh())) return response
    showToken(again)
    return globalThis.fetch(again)
  },
  onError: ({ request }) => (request.signal.aborted ? undefined : unreachable()),
})

function showToken(request: Request): boolean {
  const token = session.token()
  if (token !== null) request.headers.set('Authorization', `Bearer ${token}`)
  return token !== null
}

interface Answered<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/** The data of an answer; throws a `Problem` when it is an error. A dead token ends the session. */
export async function answer<Data>(call: Promise<Answered<Data>>): Promise<Data> {
  const { data, error, response } = await call
  if (response.ok) return data as Data
  if (response.status === 401) session.end()
  throw problemOf(response, error)
}
