"""Work of risk on all accounts: days that begin, kill switches that reach everybody."""

from twin.account_risk import OF_THE_DAY
from twin.clock_work import work_off_due
from twin.forced import cancel_orders, close_positions
from twin.margin import worth
from twin.risk_state import Risk, why_killed
from twin.state import Account, World
from twin.watch import value_accounts


def begin_day(world: World) -> None:
    """The day of losses and day trades ends when its time has come."""
    risk = world.risk
    if risk is None or risk.next_day_ns == 0 or risk.next_day_ns > world.now_ns:
        return
    risk.day = risk.policy.trading_day(world.now_ns)
    risk.next_day_ns = risk.policy.next_day(world.now_ns)
    risk.days += 1
    risk.baselined = 0
    world.emit("day_began", day=risk.day, next_ns=risk.next_day_ns)


def work(world: World) -> None:
    """Goes on with what all accounts have to be told or asked, after every input."""
    risk = world.risk
    if risk is None:
        return
    sweep(world, risk)
    take_baselines(world, risk)
    value_accounts(world)
    clean(world)


def is_left(world: World) -> bool:
    """Whether such work is left for another `time`."""
    risk = world.risk
    if risk is None:
        return False
    count = len(world.accounts)
    return (
        (risk.policy.watches and risk.baselined < count)
        or risk.swept < count
        or any(account.risk.clean for account in world.accounts)
        or bool(risk.stirred)
        or (risk.is_marked and bool(risk.rising))
    )


def sweep(world: World, risk: Risk) -> None:
    """Tells all accounts of the kill switches: their orders leave."""
    if risk.swept >= len(world.accounts):
        return
    for account in world.accounts[risk.swept :]:
        if why_killed(world, account) is None:
            continue
        if risk.sweep_flattens:
            account.risk.clean = "everything"
            world.emit("cleaning", account=account.text, clean="everything")
        request_cancel_all(world, account)
    risk.swept = len(world.accounts)
    world.emit("swept", below=risk.swept)
    work_off_due(world)


def request_cancel_all(world: World, account: Account) -> bool:
    """All open orders of an account are to leave, if there are any."""
    if not world.open_orders(account):
        return False
    account.cancel_below = world.next_order
    world.emit(
        "cancel_all_requested",
        account=account.text,
        below=account.cancel_below,
        request=None,
        digest=None,
    )
    return True


def take_baselines(world: World, risk: Risk) -> None:
    """Notes the equity of the accounts that have no figures of this day."""
    works = any(action.stage == "working" for action in world.actions)
    is_done = not risk.policy.watches or risk.baselined >= len(world.accounts)
    if is_done or works or world.is_full:
        return
    equities = []
    for account in world.accounts[risk.baselined :]:
        own = account.risk
        if own.day_start is None or own.based != risk.days:
            equity = worth(world, account).equity
            begin_figures(risk, account, equity)
            equities.append({"account": account.text, "equity": equity})
    risk.baselined = len(world.accounts)
    world.emit("baselined", below=risk.baselined, equities=equities)


def begin_figures(risk: Risk, account: Account, equity: int) -> None:
    """The losses of a day count from here; the stop of the day before is over."""
    own = account.risk
    own.day_start, own.based = equity, risk.days
    own.peak = equity if own.peak is None else max(own.peak, equity)
    own.fired = {
        key: measure
        for key, measure in own.fired.items()
        if measure not in OF_THE_DAY and key[0] == risk.version
    }
    if own.stop and own.stop["measure"] in OF_THE_DAY:
        own.stop = None


def clean(world: World) -> None:
    """Lets leave what a stop or a kill switch does not let stand, the first account first."""
    while not world.is_full:
        account = next((one for one in world.accounts if one.risk.clean), None)
        if account is None or not clean_account(world, account):
            return
        account.risk.clean = None
        world.emit("cleaned", account=account.text)


def clean_account(world: World, account: Account) -> bool:
    """Takes orders away and closes positions; says whether everything is done."""
    own = account.risk
    closes = own.clean == "everything"
    reason, why = "kill_switch", "kill_switch"
    if own.stop:
        of_day = own.stop["measure"] in OF_THE_DAY
        reason, why = ("daily_loss_stop" if of_day else "drawdown_stop"), "risk_stop"
    if not cancel_orders(world, account, reason, every=closes):
        return False
    return not closes or close_positions(world, account, why)
