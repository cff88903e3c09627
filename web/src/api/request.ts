/** One request to the server: adds the token, reads the reply, throws a `Problem` for an error. */

import { session } from '../features/auth/session'
import { problemOf, unreachable } from './problem'

interface Options {
  query?: Record<string, string | undefined>
  body?: unknown
  signal?: AbortSignal | undefined
}

export async function request<Reply>(
  method: string,
  path: string,
  options: Options = {},
): Promise<Reply> {
  const token = session.token()
  const headers = new Headers()
  if (token !== null) headers.set('Authorization', `Bearer ${token}`)
  if (options.body !== undefined) headers.set('Content-Type', 'application/json')
  let response: Response
  try {
    response = await fetch(`/api/v1${path}${queryText(options.query)}`, {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
    })
  } catch (error) {
    if (options.signal?.aborted === true) throw error
    throw unreachable()
  }
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  if (response.ok) return body as Reply
  if (response.status === 401 && token !== null) session.close()
  throw problemOf(response, body)
}

function queryText(query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
