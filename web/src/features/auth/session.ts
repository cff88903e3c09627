/**
 * The token of the visitor, kept in sessionStorage: it survives a reload, ends with the tab, and
 * no other tab reads it. localStorage would leave it on a shared machine after the browser is
 * closed; memory alone would end at each reload.
 */

const key = 'papertape.token'

type Listener = () => void
const listeners = new Set<Listener>()

export const session = {
  token: (): string | null => sessionStorage.getItem(key),
  open: (token: string): void => {
    sessionStorage.setItem(key, token)
    listeners.forEach((listener) => listener())
  },
  close: (): void => {
    sessionStorage.removeItem(key)
    listeners.forEach((listener) => listener())
  },
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}
