import {
  ActionIcon,
  Button,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { exchange } from '../../api/exchange'
import { leave } from '../../api/refresh'
import { Mark, MoonIcon, SunIcon } from '../../components/icons'
import { AccountFigures } from './AccountFigures'
import { ConnectionState } from './ConnectionState'
import classes from './DeskHeader.module.css'

interface DeskHeaderProps {
  retry: () => void
  explainKeys: () => void
}

export function DeskHeader({ retry, explainKeys }: DeskHeaderProps) {
  const me = useQuery({ queryKey: ['me'], queryFn: exchange.me, staleTime: Infinity })
  return (
    <header className={classes.header}>
      <h1 className={classes.name}>
        <Mark /> Papertape
      </h1>
      <div className={classes.figures}>
        <AccountFigures />
      </div>
      <div className={classes.tools}>
        <ConnectionState retry={retry} />
        <span className={classes.user}>{me.data?.username}</span>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Keyboard shortcuts"
          onClick={explainKeys}
        >
          ?
        </ActionIcon>
        <SchemeToggle />
        <Button size="compact-xs" variant="default" onClick={leave}>
          Log out
        </Button>
      </div>
    </header>
  )
}

/** The system decides until the visitor does. */
function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const other = useComputedColorScheme('light') === 'dark' ? 'light' : 'dark'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={other === 'dark' ? 'Dark colours' : 'Light colours'}
      onClick={() => setColorScheme(other)}
    >
      {other === 'dark' ? <MoonIcon /> : <SunIcon />}
    </ActionIcon>
  )
}
