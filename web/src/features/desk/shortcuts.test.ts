import { describe, expect, it } from 'vitest'

import { actionOf } from './shortcuts'

function press(
  key: string,
  more: KeyboardEventInit = {},
  target: HTMLElement = document.createElement('div'),
) {
  document.body.append(target)
  let action: ReturnType<typeof actionOf> = null
  const listen = (event: KeyboardEvent) => (action = actionOf(event))
  window.addEventListener('keydown', listen)
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...more }))
  window.removeEventListener('keydown', listen)
  return action
}

function input(type: string): HTMLInputElement {
  return Object.assign(document.createElement('input'), { type })
}

describe('the keys of the desk', () => {
  it.each([
    ['b', 'buy'],
    ['B', 'buy'],
    ['s', 'sell'],
    ['/', 'search'],
    ['?', 'explain'],
    ['x', null],
  ])('%s means %s', (key, action) => {
    expect(press(key)).toBe(action)
  })

  it('leave the keys of the browser alone', () => {
    expect(press('s', { ctrlKey: true })).toBeNull()
    expect(press('b', { metaKey: true })).toBeNull()
  })

  it('are silent while somebody types', () => {
    expect(press('b', {}, input('text'))).toBeNull()
    expect(press('s', {}, document.createElement('textarea'))).toBeNull()
  })

  it('work on a choice of the ticket, where nothing is typed', () => {
    expect(press('s', {}, input('radio'))).toBe('sell')
  })
})
