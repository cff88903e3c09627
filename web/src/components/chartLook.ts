/** What all charts of the desk have in common: its colours, its letters, local time. */

import {
  ColorType,
  CrosshairMode,
  TickMarkType,
  type ChartOptions,
  type DeepPartial,
  type Time,
} from 'lightweight-charts'

/** A colour of index.css; a canvas cannot read it by itself. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** `daily`: days are dates of the exchange and not shifted to the visitor's zone. */
export function chartOptions(daily: boolean): DeepPartial<ChartOptions> {
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: colour('--desk-panel') },
      textColor: colour('--desk-dim'),
      fontFamily: "'Inter Variable', system-ui, sans-serif",
      fontSize: 11,
    },
    grid: {
      vertLines: { visible: false },
      horzLines: { color: colour('--desk-line') },
    },
    rightPriceScale: { borderVisible: false },
    timeScale: {
      borderColor: colour('--desk-line'),
      timeVisible: !daily,
      secondsVisible: false,
      tickMarkFormatter: (time: Time, type: TickMarkType) => tickText(time, type, daily),
    },
    crosshair: { mode: CrosshairMode.Normal },
    localization: { timeFormatter: (time: Time) => momentText(time, daily) },
  }
}

function dateOf(time: Time): Date {
  return new Date(Number(time) * 1_000)
}

function text(date: Date, daily: boolean, parts: Intl.DateTimeFormatOptions): string {
  const zone = daily ? { timeZone: 'UTC' } : {}
  return new Intl.DateTimeFormat('en-GB', { ...parts, ...zone }).format(date)
}

function momentText(time: Time, daily: boolean): string {
  const clock = daily ? {} : ({ hour: '2-digit', minute: '2-digit' } as const)
  return text(dateOf(time), daily, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    ...clock,
  })
}

function tickText(time: Time, type: TickMarkType, daily: boolean): string {
  switch (type) {
    case TickMarkType.Year:
      return text(dateOf(time), daily, { year: 'numeric' })
    case TickMarkType.Month:
      return text(dateOf(time), daily, { month: 'short' })
    case TickMarkType.DayOfMonth:
      return text(dateOf(time), daily, { day: 'numeric', month: 'short' })
    default:
      return text(dateOf(time), daily, { hour: '2-digit', minute: '2-digit' })
  }
}
