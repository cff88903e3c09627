"""Day trades: a position that is opened and closed on one day, counted once until reopened."""

from twin.state import Account, Instrument, World


def note_fill(world: World, account: Account, instrument: Instrument, change: int) -> None:
    """Counts a fill that has changed a position by so much, where the policy counts day trades."""
    rule = world.risk and world.risk.policy.day_trading
    if not rule or account.margin is None:
        return
    own, day = account.risk, world.risk.day
    after = account.position(instrument).qty
    before = after - change
    closes = before * change < 0
    opens = after * change > 0
    is_known = own.day == day and instrument.index in own.opened
    first = max(0, day + 1 - rule["days"])
    if closes and is_known:
        move(world, account, instrument, first, closed=True)
    if opens and (closes or not is_known):
        move(world, account, instrument, first, closed=False)


def move(
    world: World, account: Account, instrument: Instrument, first: int, *, closed: bool
) -> None:
    """A position was opened on this day, or what was opened is closed."""
    own, day = account.risk, world.risk.day
    if own.day != day:
        own.opened, own.day = set(), day
    if closed:
        own.opened.discard(instrument.index)
        own.day_trades.append(day)
    else:
        own.opened.add(instrument.index)
    while own.day_trades and own.day_trades[0] < first:
        own.day_trades.pop(0)
    world.emit(
        "day_moved",
        account=account.text,
        symbol=instrument.symbol,
        day=day,
        closed=closed,
        forget_before=first,
    )
