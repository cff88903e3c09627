/**
 * The client of the server's API: typed by the generated schema, so a route that changes does not
 * compile here. It adds the token, and throws what went wrong as a `Problem`.
 */

import createClient from 'openapi-fetch'

import { session } from '../features/auth/session'
import { problemOf, unreachable } from './problem'
import type { paths } from './schema'

export const client = createClient<paths, 'application/json'>({
  // Looked up at each call, so that a test can put its own in place.
  fetch: (request) => globalThis.fetch(request),
  baseUrl: globalThis.location.origin,
})

client.use({
  onRequest: ({ request }) => {
    const token = session.token()
    if (token !== null) request.headers.set('Authorization', `Bearer ${token}`)
    return request
  },
  onError: ({ request }) => (request.signal.aborted ? undefined : unreachable()),
})

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
