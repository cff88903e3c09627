"""What risk keeps of the world, and which accounts have to be valued."""

from dataclasses import dataclass, field
from typing import Any

from twin.account_risk import Switch
from twin.ids import ORDER, number_of
from twin.policy import Policy
from twin.state import Account, World

TOUCHING = {
    "deposited", "paid", "converted", "filled", "trade_busted", "settled", "interest_charged",
    "borrow_charged", "account_reset", "position_archived", "cash_archived", "contract_passed",
    "corporate_owed", "corporate_paid", "corporate_position", "corporate_renamed", "risk_alert",
    "account_stopped", "account_resumed", "margin_called", "margin_call_met", "cleaned",
}  # fmt: skip
"""Events after which the account that they name is valued again."""


@dataclass
class Risk:
    """The risk state of a world; it exists from the first policy or kill switch on."""

    swept: int
    """Accounts below this index were told of the kill switches."""
    version: int = 0
    policy: Policy = field(default_factory=Policy)
    killed: Switch | None = None
    killed_users: dict[str, Switch] = field(default_factory=dict)
    day: int = 0
    days: int = 0
    next_day_ns: int = 0
    baselined: int = 0
    """Accounts from this index on may have no figures of this day."""
    sweep_flattens: bool = False
    stirred: set[int] = field(default_factory=set)
    """Accounts that something happened to since they were valued."""
    rising: set[int] = field(default_factory=set)
    """Accounts that were seen above their peak since prices were marked."""
    is_marked: bool = False
    is_busy: bool = False
    told_ns: int = 0
    """The last time that was told: margin calls due by then are late."""

    def hear(self, world: World, event: dict[str, Any]) -> None:
        """Notes which accounts an event touches."""
        name = event["e"]
        if name in {"deposited", "paid"}:
            self.shift(world, event)
        if not self.policy.watches:
            self.stirred.clear()
        elif name in {"policy_set", "rate_set", "margin_set"}:
            self.value_all(world)
        elif name == "marked":
            self.is_marked = True
        elif name in {"baselined", "peaks_raised"}:
            for one in event["equities"]:
                self.touch(world, one["account"])
        elif name in TOUCHING:
            self.touch(world, event["account"])
        elif "order" in event:
            self.hear_of_order(world, name, event)

    def shift(self, world: World, event: dict[str, Any]) -> None:
        """Money came from outside or left: losses and peaks are not about that."""
        account = next(one for one in world.accounts if one.text == event["account"])
        if event.get("currency", account.currency) == account.currency:
            own = account.risk
            own.day_start = None if own.day_start is None else own.day_start + event["amount"]
            own.peak = None if own.peak is None else own.peak + event["amount"]

    def hear_of_order(self, world: World, name: str, event: dict[str, Any]) -> None:
        """An order was adjusted, or one that the engine sent was taken away."""
        is_taken = name == "canceled" and event["reason"] != "insufficient_buying_power"
        if name != "corporate_order" and not is_taken:
            return
        order = world.orders.get(number_of(world.name, ORDER, event["order"]))
        if order is not None and (name == "corporate_order" or order.is_forced):
            self.stirred.add(order.account.index)

    def touch(self, world: World, account_id: str) -> None:
        """An account has to be valued."""
        self.stirred.update(one.index for one in world.accounts if one.text == account_id)

    def value_all(self, world: World) -> None:
        """All accounts have to be valued, when anything is watched."""
        if self.policy.watches:
            self.stirred.update(range(len(world.accounts)))

    def forget_market(self, world: World) -> None:
        """After a start everything is valued once."""
        self.stirred, self.rising = set(), set()
        self.is_marked, self.told_ns = False, 0
        self.value_all(world)


def why_killed(world: World, account: Account) -> Switch | None:
    """The kill switch that stops an account, if one does."""
    risk = world.risk
    if risk is None:
        return None
    switches = (account.risk.killed, risk.killed_users.get(account.owner), risk.killed)
    return next((switch for switch in switches if switch is not None), None)
