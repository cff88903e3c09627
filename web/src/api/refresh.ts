/**
 * Gets the next access token when one has ended. The browser shows the cookie that the login left;
 * no script sees it.
 */

import { session } from '../features/auth/session'

let underWay: Promise<boolean> | null = null

/** Whether the visit goes on with a new token. Who asks meanwhile gets the same answer. */
export function refresh(): Promise<boolean> {
  underWay ??= ask().finally(() => (underWay = null))
  return underWay
}

/** Ends the login at the server; the page forgets it at once. */
export function leave(): void {
  void post('logout', session.token()).catch(() => undefined)
  session.close()
}

async function ask(): Promise<boolean> {
  if (session.token() === null) return false
  try {
    const response = await post('refresh')
    if (!response.ok) return false
    const { access_token } = (await response.json()) as { access_token: string }
    return session.renew(access_token)
  } catch {
    return false
  }
}

function post(what: 'refresh' | 'logout', token: string | null = null): Promise<Response> {
  const address = `${globalThis.location.origin}/api/v1/auth/${what}`
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` }
  return globalThis.fetch(new Request(address, { method: 'POST', headers }))
}
