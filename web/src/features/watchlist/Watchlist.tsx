import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type KeyboardEvent } from 'react'

import { exchange } from '../../api/exchange'
import { sentenceOf } from '../../api/problem'
import type { Instrument } from '../../api/types'
import { Empty } from '../../components/Empty'
import { SearchIcon } from '../../components/icons'
import { Panel } from '../../components/Panel'
import { useFlash } from '../../components/useFlash'
import { sign } from '../../decimal/decimal'
import { changeInPercent, formatChange, formatPrice, nothing } from '../../decimal/format'
import { symbolChosen, useDesk, useSend } from '../../live/store'
import { searchFieldId } from '../desk/shortcuts'
import { useInstruments } from '../desk/useInstruments'
import { matching } from './matching'
import classes from './Watchlist.module.css'

interface WatchlistProps {
  className?: string | undefined
  /** Where one part of the desk is shown at a time, a choice leads to another part. */
  onChoose?: () => void
}

/** Every instrument with its live quote; the chosen one is what the rest of the desk shows. */
export function Watchlist({ className, onChoose }: WatchlistProps) {
  const { instruments, error, loading } = useInstruments()
  const [search, setSearch] = useState('')
  const found = matching(instruments, search)
  const send = useSend()
  const choose = (symbol: string) => {
    send(symbolChosen(symbol))
    onChoose?.()
  }
  const onSearchKey = (event: KeyboardEvent) => {
    const [first] = found
    if (event.key === 'Enter' && first !== undefined) choose(first.symbol)
    if (event.key === 'Escape') setSearch('')
  }
  return (
    <Panel title="Watchlist" className={className} quiet>
      <TextInput
        id={searchFieldId}
        className={classes.search ?? ''}
        size="xs"
        placeholder="Search"
        aria-label="Search symbols"
        leftSection={<SearchIcon />}
        rightSection={<kbd className={classes.key}>/</kbd>}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        onKeyDown={onSearchKey}
      />
      <ul className={`${classes.list} scroll`} onKeyDown={moveFocus}>
        {found.map((instrument) => (
          <Row key={instrument.symbol} instrument={instrument} choose={choose} />
        ))}
      </ul>
      {error !== null && <Empty>{sentenceOf(error)}</Empty>}
      {!loading && error === null && found.length === 0 && (
        <Empty>Nothing is called “{search}”.</Empty>
      )}
    </Panel>
  )
}

interface RowProps {
  instrument: Instrument
  choose: (symbol: string) => void
}

function Row({ instrument, choose }: RowProps) {
  const { symbol, name, tick_size: tick } = instrument
  const quote = useDesk((state) => state.live.quotes[symbol])
  const chosen = useDesk((state) => state.chosen.symbol === symbol)
  const { before, newest } = useDailyCloses(symbol)
  // Until the first print of this run the newest bar knows the last price.
  const last = quote?.last ?? newest
  const flash = useFlash(last)
  const change = changeInPercent(before, last)
  const tone = change === null || sign(change) === 0 ? 'dim' : sign(change) > 0 ? 'up' : 'down'
  return (
    <li>
      <button
        type="button"
        className={classes.row}
        aria-current={chosen}
        onClick={() => choose(symbol)}
      >
        <span className={classes.symbol}>{symbol}</span>
        <span className={`${classes.last} figures`} data-flash={flash}>
          {formatPrice(last, tick)}
        </span>
        <span className={classes.name}>{name}</span>
        <span className={`${tone} figures`}>{formatChange(before, last)}</span>
        <span className={`${classes.quote} figures`}>
          <span className="visually-hidden">bid </span>
          {formatPrice(quote?.bid, tick)}
          <span aria-hidden="true"> × </span>
          <span className="visually-hidden"> ask </span>
          {quote === undefined ? nothing : formatPrice(quote.ask, tick)}
        </span>
      </button>
    </li>
  )
}

/** `before`: the close of the day before, or the first price of the first day. */
function useDailyCloses(symbol: string): { before: string | null; newest: string | null } {
  const query = useQuery({
    queryKey: ['daily-closes', symbol],
    queryFn: async () => (await exchange.bars(symbol, '1d', { limit: 2 })).items,
    staleTime: 10 * 60_000,
  })
  const days = query.data ?? []
  const before = days.length > 1 ? days[0]?.close : days[0]?.open
  return { before: before ?? null, newest: days.at(-1)?.close ?? null }
}

function moveFocus(event: KeyboardEvent<HTMLUListElement>) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0) return
  event.preventDefault()
  const rows = [...event.currentTarget.querySelectorAll('button')]
  const here = rows.findIndex((row) => row === document.activeElement)
  rows[here + step]?.focus()
}
