import { screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'

import { showPage } from '../testing/page'
import { Fallback } from './Fallback'

function Broken(): never {
  throw new Error('this part is gone')
}

it('a fault of the page is told, with a way out', () => {
  vi.spyOn(console, 'error').mockReturnValue(undefined)
  showPage(
    <Fallback>
      <Broken />
    </Fallback>,
  )
  expect(screen.getByRole('alert').textContent).toContain('This part is gone.')
  expect(screen.getByRole('button', { name: 'Load the page again' })).toBeTruthy()
})

it('a page without a fault is just shown', () => {
  showPage(<Fallback>all well</Fallback>)
  expect(screen.getByText('all well')).toBeTruthy()
})
