/**
 * The access token of the visitor, kept in sessionStorage: it survives a reload, ends with the tab,
 * and no other tab reads it. localStorage would leave it on a shared machine after the browser is
 * closed; memory alone would end at each reload. It lasts an hour; what gets the next one lies in a
 * cookie that no script reads.
 */

const key = 'papertape.token'

type Listener = () => void
const listeners = new Set<Listener>()
let ended = false
let visits = 0

export const session = {
  token: (): string | null => sessionStorage.getItem(key),
  /** Which visit this is; the same one when its token is renewed, null when nobody is in. */
  visit: (): number | null => (session.token() === null ? null : visits),
  open: (token: string): void => {
    ended = false
    visits += 1
    sessionStorage.setItem(key, token)
    listeners.forEach((listener) => listener())
  },
  /** Another token for the same visitor; false when it is somebody else's, who came in a tab. */
  renew: (token: string): boolean => {
    const before = session.token()
    if (before === null || userOf(before) !== userOf(token)) return false
    sessionStorage.setItem(key, token)
    return true
  },
  close: (): void => {
    sessionStorage.removeItem(key)
    listeners.forEach((listener) => listener())
  },
  /** The server does not take the token any more: closed, but not by the visitor. */
  end: (): void => {
    ended = session.token() !== null || ended
    session.close()
  },
  /** Whether the visitor is owed a word about why the door is shut. */
  hasEnded: (): boolean => ended,
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** The user that a token is of, as it says itself; the server is who checks it. */
function userOf(token: string): unknown {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')
    return (JSON.parse(atob(payload)) as { sub?: unknown }).sub
  } catch {
    return undefined
  }
}
