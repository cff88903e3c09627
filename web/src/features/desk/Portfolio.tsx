import { Tabs } from '@mantine/core'

import { isOpen } from '../../live/state'
import { useDesk } from '../../live/store'
import { Fills } from '../fills/Fills'
import { Orders } from '../orders/Orders'
import { Positions } from '../positions/Positions'
import classes from './Portfolio.module.css'

/** What the account holds, what it waits for, and what it did. */
export function Portfolio() {
  const held = useDesk((state) => Object.keys(state.live.positions).length)
  const open = useDesk((state) => Object.values(state.live.orders).filter(isOpen).length)
  return (
    <Tabs
      defaultValue="positions"
      className={classes.portfolio ?? ''}
      classNames={{ panel: classes.list ?? '', tab: classes.tab ?? '' }}
      keepMounted={false}
    >
      <Tabs.List aria-label="Portfolio">
        <Tabs.Tab value="positions">
          Positions <Count of={held} />
        </Tabs.Tab>
        <Tabs.Tab value="open">
          Open orders <Count of={open} />
        </Tabs.Tab>
        <Tabs.Tab value="fills">Fills</Tabs.Tab>
        <Tabs.Tab value="closed">Order history</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="positions">
        <Positions />
      </Tabs.Panel>
      <Tabs.Panel value="open">
        <Orders show="open" />
      </Tabs.Panel>
      <Tabs.Panel value="fills">
        <Fills />
      </Tabs.Panel>
      <Tabs.Panel value="closed">
        <Orders show="closed" />
      </Tabs.Panel>
    </Tabs>
  )
}

function Count({ of: count }: { of: number }) {
  return count === 0 ? null : <span className={`${classes.count} figures`}>{count}</span>
}
