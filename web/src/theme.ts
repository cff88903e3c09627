import { createTheme, type MantineColorsTuple } from '@mantine/core'

/** The one accent of the desk: a calm blue, dark enough for white text from shade 6 on. */
const ink: MantineColorsTuple = [
  '#eef4fc',
  '#d9e6f7',
  '#b3cdf0',
  '#8bb3e8',
  '#689de2',
  '#4a86d3',
  '#2f6fc4',
  '#255ca8',
  '#1d4a89',
  '#163a6c',
]

/** Greys of the dark scheme: text, borders, fields and panels, from light to dark. */
const dark: MantineColorsTuple = [
  '#dfe4ea',
  '#c3cad3',
  '#9ba5b2',
  '#6f7a88',
  '#38424e',
  '#2b343f',
  '#1d242c',
  '#151b21',
  '#0f1419',
  '#0a0e12',
]

export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 6, dark: 6 },
  colors: { ink, dark },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  defaultRadius: 'sm',
  radius: { sm: '4px' },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  focusRing: 'auto',
  respectReducedMotion: true,
})
