import { useMediaQuery } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'

import { sentenceOf } from '../../api/problem'
import { Empty } from '../../components/Empty'
import { useDesk, useSend } from '../../live/store'
import { useLiveDesk } from '../../live/useLiveDesk'
import { drafted } from '../ticket/draft'
import { Announcer } from './Announcer'
import classes from './Desk.module.css'
import { DeskHeader } from './DeskHeader'
import { KeysDialog } from './KeysDialog'
import { NarrowDesk, type NarrowTab } from './NarrowDesk'
import { quantityFieldId, searchFieldId, useShortcuts, type Action } from './shortcuts'
import { useChosenSymbol } from './useChosenSymbol'
import { useFollowedChannels } from './useFollowedChannels'
import { useChosenInstrument, useInstruments } from './useInstruments'
import { WideDesk } from './WideDesk'

const wideFrom = '(min-width: 1080px)'

/** The trading desk: all of it at once where there is room, one part at a time where not. */
export function Desk() {
  const stream = useLiveDesk()
  const wide = useMediaQuery(wideFrom, undefined, { getInitialValueInEffect: false })
  const [tab, setTab] = useState<NarrowTab>('markets')
  const [explaining, setExplaining] = useState(false)
  const { error } = useInstruments()
  const stale = useDesk((state) => state.live.connection === 'waiting')
  useChosenSymbol()
  useFollowedChannels(stream)
  useFreshAfterLoss()
  useKeys(setTab, setExplaining)
  const instrument = useChosenInstrument()
  return (
    <div className={classes.desk} data-stale={stale}>
      <DeskHeader retry={() => stream?.retryNow()} explainKeys={() => setExplaining(true)} />
      {instrument === null ? (
        <main className={classes.waiting}>
          <Empty>{error === null ? 'Opening the market' : sentenceOf(error)}</Empty>
        </main>
      ) : wide ? (
        <WideDesk instrument={instrument} />
      ) : (
        <NarrowDesk instrument={instrument} tab={tab} show={setTab} />
      )}
      <footer className={classes.footer}>Simulated. Not advice.</footer>
      <Announcer />
      <KeysDialog opened={explaining} close={() => setExplaining(false)} />
    </div>
  )
}

/** What went by while the connection was lost is not in the fetched lists. */
function useFreshAfterLoss(): void {
  const isLive = useDesk((state) => state.live.connection === 'live')
  const queries = useQueryClient()
  useEffect(() => {
    if (!isLive) return
    for (const key of ['bars', 'minutes', 'equity']) {
      void queries.invalidateQueries({ queryKey: [key] })
    }
  }, [isLive, queries])
}

function useKeys(show: (tab: NarrowTab) => void, explain: (opened: boolean) => void): void {
  const send = useSend()
  const act = useCallback(
    (action: Action) => {
      if (action === 'explain') {
        explain(true)
        return
      }
      if (action !== 'search') send(drafted({ side: action }))
      show(action === 'search' ? 'markets' : 'trade')
      const field = action === 'search' ? searchFieldId : quantityFieldId
      // What is typed next belongs to the field, at once; or on a tab that is only now shown.
      if (!selectField(field)) requestAnimationFrame(() => selectField(field))
    },
    [send, show, explain],
  )
  useShortcuts(act)
}

function selectField(id: string): boolean {
  const field = document.getElementById(id)
  if (!(field instanceof HTMLInputElement)) return false
  field.focus()
  field.select()
  return true
}
