/** An error as the server tells it (RFC 9457), ready to be shown where it happened. */

export class Problem extends Error {
  readonly status: number
  /** The stable name that programs may rely on: "insufficient_buying_power". */
  readonly reason: string
  /** The input that is to blame, when one is. */
  readonly field: string | null
  readonly retryAfterSeconds: number | null

  constructor(of: {
    status: number
    reason: string
    detail: string
    field?: string | null
    retryAfterSeconds?: number | null
  }) {
    super(of.detail)
    this.name = 'Problem'
    this.status = of.status
    this.reason = of.reason
    this.field = of.field ?? null
    this.retryAfterSeconds = of.retryAfterSeconds ?? null
  }
}

/** The server was not reached at all; whether it did anything is unknown. */
export function unreachable(): Problem {
  return new Problem({
    status: 0,
    reason: 'unreachable',
    detail: 'The exchange cannot be reached. Check that Papertape is running.',
  })
}

/** Reads an error reply, whatever it is made of. */
export function problemOf(response: Response, body: unknown): Problem {
  const told = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN)
  return new Problem({
    status: response.status,
    reason: textOf(told.reason) ?? 'unknown',
    detail:
      textOf(told.detail) ??
      textOf(told.title) ??
      `The server answered ${response.status} without a reason.`,
    field: textOf(told.field),
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  })
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** The sentence to show for anything that was thrown. */
export function sentenceOf(error: unknown): string {
  return asSentence(error instanceof Error ? error.message : String(error))
}

/** The server writes details for any place in a text; on the page they stand alone. */
export function asSentence(detail: string): string {
  if (detail === '') return ''
  const text = detail.charAt(0).toUpperCase() + detail.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
