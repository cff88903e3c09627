import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

/** The colours of both schemes, read from where they are written. */
const style = readFileSync('src/index.css', 'utf8')
const light = coloursOf(style.slice(style.indexOf(':root {')))
const dark = coloursOf(style.slice(style.indexOf("[data-mantine-color-scheme='dark']")))

function coloursOf(from: string): Record<string, string> {
  const block = from.slice(0, from.indexOf('}'))
  const pairs = block.matchAll(/--desk-([a-z-]+): (#[0-9a-f]{6});/g)
  return Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]))
}

/** WCAG 2.2: relative luminance and contrast. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one = '', other = ''): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

const grounds = ['ground', 'panel', 'raised']
const texts = ['text', 'dim', 'up', 'down', 'accent', 'warn']

describe.each([
  ['light', light],
  ['dark', dark],
])('in the %s scheme', (_, colours) => {
  it.each(texts.flatMap((text) => grounds.map((ground) => [text, ground] as const)))(
    '%s is readable on %s (WCAG AA, 4.5 to 1)',
    (text, ground) => {
      expect(contrast(colours[text], colours[ground])).toBeGreaterThanOrEqual(4.5)
    },
  )

  it.each(['buy', 'sell'])('white is readable on the %s button', (button) => {
    expect(contrast('#ffffff', colours[button])).toBeGreaterThanOrEqual(4.5)
  })
})
