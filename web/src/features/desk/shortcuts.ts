/** The keys of the desk. They are silent while somebody types, and leave browser keys alone. */

import { useEffect } from 'react'

export const searchFieldId = 'search-symbols'
export const quantityFieldId = 'ticket-quantity'

export type Action = 'buy' | 'sell' | 'search' | 'explain'

const actions: Readonly<Record<string, Action>> = {
  b: 'buy',
  s: 'sell',
  '/': 'search',
  '?': 'explain',
}

export const explained: readonly { keys: string; does: string }[] = [
  { keys: 'B', does: 'Write a buy order' },
  { keys: 'S', does: 'Write a sell order' },
  { keys: '/', does: 'Search symbols' },
  { keys: '↑ ↓', does: 'In a list, go to the next row; in a figure, step it' },
  { keys: 'Enter', does: 'Send the order, or take the first symbol found' },
  { keys: 'Esc', does: 'Leave a field or close a dialog' },
  { keys: '?', does: 'Show these keys' },
]

/** The action of a key press, when it is one. */
export function actionOf(event: KeyboardEvent): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null
  if (event.target instanceof HTMLElement && isTyping(event.target)) return null
  return actions[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null
}

function isTyping(element: HTMLElement): boolean {
  return (
    element.isContentEditable ||
    (element instanceof HTMLInputElement && element.type !== 'radio') ||
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  )
}

export function useShortcuts(act: (action: Action) => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      // An open dialog has keys of its own.
      if (document.querySelector('[role="dialog"]') !== null) return
      if (event.key === 'Escape' && document.activeElement instanceof HTMLElement) {
        document.activeElement.blur()
        return
      }
      const action = actionOf(event)
      if (action === null) return
      event.preventDefault()
      act(action)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [act])
}
