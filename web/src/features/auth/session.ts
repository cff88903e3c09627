/**
 * The token of the visitor, kept in sessionStorage: it survives a reload, ends with the tab, and
 * no other tab reads it. localStorage would leave it on a shared machine after the browser is
 * closed; memory alone would end at each reload.
 */

const key = 'papertape.token'

type Listener = () => void
const listeners = new Set<Listener>()
let ended = false

export const session = {
  token: (): string | null => sessionStorage.getItem(key),
  open: (token: string): void => {
    ended = false
    sessionStorage.setItem(key, token)
    listeners.forEach((listener) => listener())
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
