"""Limits: each is one rule of the engine's policy, with an id that follows from what it limits.

So nothing is kept here, and a limit has the same id after every restart. Pure functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid5

from papertape.server.etags import tag_of
from papertape.server.risk.policy import Rule

_IDS = UUID("5b1f0c34-7a0e-4a54-9d0f-3f2c8e6d1b27")
_GROUPS = {"symbol": "instrument", "asset_class": "asset_class", "sector": "sector"}
SetBy = Literal["user", "admin"]
BANS = frozenset({"restricted", "no_short"})
WATCHED = frozenset({"daily_loss", "daily_loss_share", "drawdown"})

FIELD_OF_MEMBER = {
    "per": "scope",
    "of": "account_id",
    "symbol": "target",
    "asset_class": "target",
    "sector": "target",
    "rules": "limit",
}
"""How the engine's word for a member of a rule is called in a limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule with its place in the policy and its id."""

    limit_id: str
    place: int
    rule: Rule

    @property
    def scope(self) -> str:
        """What the limit is on: a user, an account, or a kind of thing that is traded."""
        groups = (scope for member, scope in _GROUPS.items() if member in self.rule)
        scope: str = next(groups, self.rule["per"])
        return scope

    @property
    def target(self) -> str | None:
        """The instrument, class or sector; `*` is each by itself."""
        return next((self.rule[member] for member in _GROUPS if member in self.rule), None)

    @property
    def account_id(self) -> str | None:
        """The one account that it is for."""
        return self.rule.get("of") if self.rule["per"] == "account" else None

    @property
    def user_id(self) -> str | None:
        """The one user that it is for."""
        return self.rule.get("of") if self.rule["per"] == "user" else None

    @property
    def is_for_everyone(self) -> bool:
        """Whether it is for each account or user by itself."""
        return "of" not in self.rule

    @property
    def set_by(self) -> SetBy:
        """Who set it; rules of older tapes, which do not tell, count as their users'."""
        told: SetBy = self.rule.get("set_by", "admin" if self.is_for_everyone else "user")
        return told

    @property
    def tag(self) -> str:
        """Its version."""
        return tag_of(self.rule)

    def shown(self, *, editable: bool) -> dict[str, Any]:
        """The limit as clients see it."""
        return {
            "id": self.limit_id,
            "scope": self.scope,
            "target": self.target,
            "account_id": self.account_id,
            "user_id": self.user_id,
            "everyone": self.is_for_everyone,
            "measure": self.rule["measure"],
            "limit": self.rule.get("limit"),
            "alert_at": self.rule.get("alert_at"),
            "window_s": self.rule.get("window_s"),
            "action": self.rule.get("action", "reject"),
            "set_by": self.set_by,
            "editable": editable,
        }


def limits_of(rules: Sequence[Rule]) -> list[Limit]:
    """The limits of a policy, in its order."""
    seen: dict[str, int] = {}
    limits = []
    for place, rule in enumerate(rules):
        key = key_of(rule)
        nth = seen[key] = seen.get(key, 0) + 1
        limits.append(Limit(str(uuid5(_IDS, f"{key}#{nth}")), place, rule))
    return limits


def key_of(rule: Rule) -> str:
    """What a rule limits, without how much: two limits of one key would be one too many."""
    names = ("measure", "per", "of", *_GROUPS, "window_s")
    return "|".join(f"{name}={rule[name]}" for name in names if name in rule)


def concerns(limit: Limit, user_id: str, account_ids: Sequence[str]) -> bool:
    """Whether orders of the user's accounts are judged by it."""
    if limit.is_for_everyone:
        return True
    return limit.user_id == user_id or limit.account_id in account_ids


def group_member(scope: str) -> str | None:
    """The member of a rule that names the target of a scope."""
    return next((member for member, known in _GROUPS.items() if known == scope), None)
