"""Routes of risk limits: what users limit for themselves, what an admin limits for everyone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import Listed, document
from papertape.server.etags import IF_MATCH, STALE, require_match, tagged
from papertape.server.models.risk import LimitReply, LimitRequest, LimitScope
from papertape.server.problems import Problem, malformed, not_found, not_permitted
from papertape.server.replies import listed
from papertape.server.risk.limits import (
    BANS,
    FIELD_OF_MEMBER,
    Limit,
    concerns,
    group_member,
    key_of,
    limits_of,
)
from papertape.server.risk.policy import Policies, PolicyInForce, Rule
from papertape.server.symbols import Symbols

OWN_LIMITS_MAX = 50
_NONE = {404: ("not_found", not_found("limit").detail)}
_EXISTS = ("limit_exists", "there is a limit on this already; change that one")
_EXISTS_OF_ADMIN = ("limit_exists", "an admin limited this already; only an admin may change that")
_TOO_MANY = ("too_many_limits", f"a user sets at most {OWN_LIMITS_MAX} limits")
_WRITTEN: dict[str, Any] = {
    "reasons": _NONE | STALE | {409: _EXISTS, 422: ("malformed", "limit: the limit is missing")},
    "scope": "account",
}


class LimitRoutes:
    """Everything under `/risk/limits`."""

    def __init__(
        self, callers: Callers, accounts: Accounts, policies: Policies, symbols: Symbols
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._policies = policies
        self._symbols = symbols

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        everything, one = f"{PREFIX}/risk/limits", f"{PREFIX}/risk/limits/{{limit_id}}"
        put = document(
            replies={200: LimitReply},
            body=LimitRequest,
            parameters=(IF_MATCH,),
            problems=(404, 409, 412, 428),
            **_WRITTEN,
        )
        delete = document(
            replies={204: None}, parameters=(IF_MATCH,), problems=(404, 412, 428), **_WRITTEN
        )
        made = document(
            replies={201: LimitReply}, body=LimitRequest, problems=(404, 409), **_WRITTEN
        )
        for path, method, handler, documented in (
            (
                everything,
                "GET",
                self.list_limits,
                document(replies={200: Listed[LimitReply]}, problems=(422,)),
            ),
            (everything, "POST", self.create_limit, made),
            (
                one,
                "GET",
                self.get_limit,
                document(replies={200: LimitReply}, problems=(404,), reasons=_NONE),
            ),
            (one, "PUT", self.replace_limit, put),
            (one, "DELETE", self.delete_limit, delete),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["risk"], **documented)

    async def list_limits(self, request: Request, scope: LimitScope | None = None) -> Response:
        """The limits that orders of the caller are judged by; an admin sees those of everybody."""
        caller = await self._callers.of(request)
        found = await self._seen(caller, await self._policies.read())
        return listed(
            [await self._shown(caller, one) for one in found if scope in {None, one.scope}]
        )

    async def get_limit(self, request: Request, limit_id: str) -> Response:
        """One limit."""
        caller = await self._callers.of(request)
        return await self._answer(caller, await self._find(caller, limit_id))

    async def create_limit(self, request: Request) -> Response:
        """Limit something from now on; what is held already may always be closed."""
        caller = await self._callers.of(request)
        rule = await self._rule(caller, await read_body(request, LimitRequest))
        with _of_fields():
            await self._policies.check({"rules": [rule]})

        def added(found: PolicyInForce) -> dict[str, Any]:
            for one in limits_of(found.rules):
                if key_of(one.rule) == key_of(rule):
                    of_admin = one.set_by == "admin" and not caller.may("admin")
                    raise Problem(409, *(_EXISTS_OF_ADMIN if of_admin else _EXISTS))
            alike = [one for one in found.rules if one.get("of") == rule.get("of")]
            mine = [one for one in alike if one.get("set_by") != "admin"]
            if not caller.may("admin") and len(mine) >= OWN_LIMITS_MAX:
                raise Problem(409, *_TOO_MANY, more={"limit": str(OWN_LIMITS_MAX)})
            return found.policy | {"rules": [*found.rules, rule]}

        return await self._answer(caller, await self._put(added, rule), 201)

    async def replace_limit(self, request: Request, limit_id: str) -> Response:
        """Change a limit; what it limits stays, how much changes."""
        caller = await self._callers.of(request)
        require_match(request, (await self._editable(caller, limit_id)).tag)
        rule = await self._rule(caller, await read_body(request, LimitRequest))

        def replaced(found: PolicyInForce) -> dict[str, Any]:
            limit = _of_id(found, limit_id)
            _require_setter(caller, limit)
            require_match(request, limit.tag)
            if key_of(rule) != key_of(limit.rule):
                raise malformed(
                    "what a limit limits cannot be changed; delete it and make another",
                    field="scope",
                )
            rules = [rule if place == limit.place else one for place, one in enumerate(found.rules)]
            return found.policy | {"rules": rules}

        return await self._answer(caller, await self._put(replaced, rule))

    async def delete_limit(self, request: Request, limit_id: str) -> Response:
        """Take a limit away."""
        caller = await self._callers.of(request)
        await self._editable(caller, limit_id)

        def without(found: PolicyInForce) -> dict[str, Any]:
            limit = _of_id(found, limit_id)
            _require_setter(caller, limit)
            require_match(request, limit.tag)
            rules = [one for place, one in enumerate(found.rules) if place != limit.place]
            return found.policy | {"rules": rules}

        await self._policies.change(without)
        return Response(status_code=204)

    # --- whose ------------------------------------------------------------------------------------

    async def _seen(self, caller: Caller, policy: PolicyInForce) -> list[Limit]:
        limits = limits_of(policy.rules)
        if caller.may("admin"):
            return limits
        ids = [account.account_id for account in await self._accounts.of(caller)]
        return [one for one in limits if concerns(one, caller.user.user_id, ids)]

    async def _find(self, caller: Caller, limit_id: str) -> Limit:
        for limit in await self._seen(caller, await self._policies.read()):
            if limit.limit_id == limit_id:
                return limit
        raise not_found("limit")

    async def _may_edit(self, caller: Caller, limit: Limit) -> bool:
        if caller.may("admin"):
            return True
        if limit.set_by == "admin":
            return False
        if limit.user_id is not None:
            return limit.user_id == caller.user.user_id and not _is_bound(caller)
        account_id = limit.account_id
        return account_id is not None and await self._accounts.owns(caller, account_id)

    async def _editable(self, caller: Caller, limit_id: str) -> Limit:
        limit = await self._find(caller, limit_id)
        _require_setter(caller, limit)
        if not await self._may_edit(caller, limit):
            raise not_permitted("account", "this key is bound to an account; this limit is not its")
        return limit

    async def _shown(self, caller: Caller, limit: Limit) -> dict[str, Any]:
        return limit.shown(editable=await self._may_edit(caller, limit))

    async def _answer(self, caller: Caller, limit: Limit, status: int = 200) -> Response:
        return tagged(await self._shown(caller, limit), limit.tag, status)

    # --- what -------------------------------------------------------------------------------------

    async def _put(self, changed: Any, rule: Rule) -> Limit:
        """Change the policy."""
        with _of_fields():
            policy = await self._policies.change(changed)
        return next(one for one in limits_of(policy.rules) if key_of(one.rule) == key_of(rule))

    async def _rule(self, caller: Caller, asked: LimitRequest) -> Rule:
        """The engine's rule for what is asked; raises `Problem` 403, 404, 422."""
        rule: Rule = {"measure": asked.measure} | await self._who(caller, asked)
        rule |= await self._what(asked)
        if (asked.limit is None) != (asked.measure in BANS):
            needed = "a ban has no limit" if asked.measure in BANS else "the limit is missing"
            raise malformed(f"limit: {needed}", field="limit", value=asked.limit)
        more = {
            "limit": asked.limit,
            "alert_at": asked.alert_at,
            "window_s": asked.window_s,
            "action": None if asked.action == "reject" else asked.action,
        }
        rule |= {name: value for name, value in more.items() if value is not None}
        return rule | {"set_by": caller.acts_as}

    async def _who(self, caller: Caller, asked: LimitRequest) -> Rule:
        others = asked.everyone or asked.user_id not in {None, caller.user.user_id}
        if others:
            caller.require("admin")
        if asked.user_id is not None:
            await self._callers.require_user(asked.user_id)
        named = [asked.account_id, asked.user_id, asked.everyone or None]
        if sum(one is not None for one in named) > 1:
            raise malformed(
                "everyone: name an account, a user or everyone, not several", field="everyone"
            )
        is_user = asked.scope == "user" or asked.user_id is not None
        if asked.everyone:
            return {"per": "user" if is_user else "account"}
        if asked.scope == "account" and asked.account_id is None:
            raise malformed("account_id: name the account", field="account_id")
        if asked.account_id is not None:
            if asked.scope == "user":
                raise malformed("account_id: use the scope account", field="account_id")
            if not caller.may("admin"):
                await self._accounts.require(caller, asked.account_id)
            return {"per": "account", "of": asked.account_id}
        if _is_bound(caller):
            raise not_permitted("account", "this key is bound to an account; limit that one")
        return {"per": "user", "of": asked.user_id or caller.user.user_id}

    async def _what(self, asked: LimitRequest) -> Rule:
        member = group_member(asked.scope)
        if member is None:
            if asked.target is not None:
                raise malformed(
                    f"target: the scope {asked.scope} has none", field="target", value=asked.target
                )
            return {}
        if asked.target is None:
            raise malformed(f"target: name the {asked.scope}, or * for each", field="target")
        if member != "symbol" or asked.target == "*":
            return {member: asked.target}
        return {member: await self._symbols.find(asked.target) or asked.target}


@contextmanager
def _of_fields() -> Iterator[None]:
    """The engine's words against a policy name the fields of a limit."""
    try:
        yield
    except Problem as problem:
        member = problem.more.get("field")
        if member in FIELD_OF_MEMBER and problem.status in {404, 422}:
            more = dict(problem.more) | {"field": FIELD_OF_MEMBER[member]}
            raise Problem(422, problem.reason, problem.detail, more=more) from problem
        raise


def _of_id(policy: PolicyInForce, limit_id: str) -> Limit:
    for limit in limits_of(policy.rules):
        if limit.limit_id == limit_id:
            return limit
    raise not_found("limit")


def _require_setter(caller: Caller, limit: Limit) -> None:
    """Raises `Problem` 403 for who is no admin, where an admin set the limit."""
    if limit.set_by == "admin" and not caller.may("admin"):
        raise not_permitted(
            "admin", "an admin set this limit; only an admin may change it or take it away"
        )


def _is_bound(caller: Caller) -> bool:
    return caller.key is not None and caller.key.account_id is not None
