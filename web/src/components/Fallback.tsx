import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'

import { sentenceOf } from '../api/problem'
import { Empty } from './Empty'

interface FallbackProps {
  children: ReactNode
}

/**
 * A fault of the page itself is told, with the way out, instead of leaving it blank. The usual one
 * is a part of the page that is gone because a newer Papertape was started.
 */
export class Fallback extends Component<FallbackProps, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <div role="alert">
        <Empty>
          The page has stopped: {sentenceOf(this.state.error)} Your orders are safe with the
          exchange.
        </Empty>
        <Empty>
          <Button onClick={() => window.location.reload()}>Load the page again</Button>
        </Empty>
      </div>
    )
  }
}
