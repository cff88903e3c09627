"""A scenario played through REST: a real floor and a real server in this process, HTTP between.

Whatever a user does or sees goes through the routes. What the world around does (quotes, prints,
listings, the clock) comes from a market source that the scenario moves by hand.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from argon2 import PasswordHasher
from sqlalchemy import insert, select

from endpoints import forget_endpoints
from in_process import InProcess, Reply
from papertape.engine import World
from papertape.floor.local import LocalFloor
from papertape.floor.loop import FloorLoop
from papertape.floor.process import WorldSpec, open_world
from papertape.floor.world_loop import Rhythm
from papertape.markets.store import BarStore
from papertape.server.application import create_app
from papertape.server.auth.account_store import account_id_of
from papertape.server.auth.passwords import Passwords
from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import accounts as owned_accounts
from papertape.server.auth.tokens import Tokens, load_key
from papertape.server.rooms import Rooms
from papertape.storage.bodies import open_storage
from papertape.storage.place import Place
from papertape.storage.reads import Reads
from papertape.storage.snapshots import SnapshotFolder
from papertape.storage.tables import ledger
from scenarios.language import (
    Statement,
    is_same,
    levels,
    member,
    members,
    merged,
    number,
    options,
    order_terms,
    plain,
)

WORLD = "scenario"
PASSWORD = "correct horse"
START = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
BOOK_DEPTH = 100
LEG = ("side", "ratio_qty", "symbol", "position_intent")
RESTS = {"new", "partially_filled"}


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def _with(given: dict[str, str]) -> dict[str, Any]:
    """The fields behind `with`, if there are any."""
    return members(given["with"]) if "with" in given else {}


class HandMarket:
    """A market source that says what the scenario says, at the time that the scenario says."""

    def __init__(self) -> None:
        self.now = nanoseconds(START)
        self.sharing = "shared"
        self._said: list[bytes] = []

    def listing(self) -> list[bytes]:
        return [
            json.dumps(
                {"kind": "create_world", "world": WORLD, "seed": 1, "sharing": self.sharing}
            ).encode()
        ]

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:
        self._said.clear()

    def now_ns(self, elapsed_ns: int) -> int:
        return self.now

    def act(self, world: World, now_ns: int) -> list[tuple[int, bytes]]:
        said, self._said = self._said, []
        return [(self.now, command) for command in said]

    def state(self) -> bytes:
        return b""

    @property
    def next_due_ns(self) -> int | None:
        return 0 if self._said else None

    def say(self, **command: Any) -> None:
        self._said.append(json.dumps(command).encode())

    @property
    def is_heard(self) -> bool:
        return not self._said


class Stage:
    """One scenario's world. `async with Stage(folder) as stage: await stage.play(statement)`.

    `new_place` makes a place for the tape of a new world, where that is not a file of the folder.
    """

    def __init__(self, folder: Path, new_place: Callable[[], Place] | None = None) -> None:
        self._folder = folder
        self._new_place = new_place or self._new_file
        self._place = self._new_place()
        self._market = HandMarket()
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self._auth = AuthStore(folder / "auth.db", Passwords(hasher))
        self._tokens = Tokens(load_key(folder / "secrets" / "jwt.key"))
        self._users: dict[str, tuple[str, dict[str, str]]] = {}
        self._orders: dict[str, dict[str, Any]] = {}
        self._sent: dict[str, dict[str, Any]] = {}
        self._bots: dict[str, int] = {}
        self._running = AsyncExitStack()

    @property
    def place(self) -> Place:
        """Where the tape of the present world is."""
        return self._place

    def _new_file(self) -> Place:
        for path in self._folder.glob("exchange.db*"):
            path.unlink()
        return self._folder / "exchange.db"

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()
        self._auth.close()
        forget_endpoints()

    async def _start(self) -> None:
        storage = await asyncio.to_thread(open_storage, self._place)
        self._running.push_async_callback(asyncio.to_thread, storage.close)

        def floor_of(link: Any) -> FloorLoop:
            world = open_world(
                WorldSpec(WORLD, self._market),
                storage=storage,
                snapshots=SnapshotFolder(self._folder / "snapshots"),
                link=link,
                rhythm=Rhythm(market_s=0.0, news_s=60, time_s=60, market_state_s=60),
            )
            return FloorLoop(link, [world])

        self._floor = await self._running.enter_async_context(LocalFloor(floor_of))
        reads = self._running.enter_context(Reads(self._place, WORLD))
        self._reads = reads
        bars = BarStore(self._folder / "bars")
        self._running.callback(bars.close)
        app = create_app(
            Rooms(
                floor=self._floor,
                reads=reads,
                auth=self._auth,
                tokens=self._tokens,
                bars=bars,
                world=WORLD,
                attempts_per_minute=0,
                requests_per_second=0,
            )
        )
        self._http = InProcess(app, "/api/v1")

    async def play(self, statement: Statement) -> None:
        """Play a line; an AssertionError names what is not as the table says."""
        first, *rest = statement.words
        if first == "do":
            await self._do(statement.text.removeprefix("do "), statement.expectations)
        else:
            await getattr(self, f"_{first}")(rest, statement.expectations)

    # --- the market -----------------------------------------------------------------------------

    async def _say(self, **command: Any) -> None:
        self._market.say(**command)
        while not self._market.is_heard:
            await self._floor.ask(WORLD, b'{"kind":"exchanges"}')
        # The answer to a question comes with a later batch than the one that heard the market.
        await self._floor.ask(WORLD, b'{"kind":"exchanges"}')

    async def _do(self, text: str, expected: list[list[str]]) -> None:
        """A command as JSON: `@A` is an account's id, `$N` an order's, `%N` its first fill's."""
        names = {f'"@{name}"': account for name, (account, _) in self._users.items()}
        names |= {f'"${name}"': str(order["id"]) for name, order in self._orders.items()}
        for name in self._orders:
            if f'"%{name}"' in text:
                names[f'"%{name}"'] = (await self._read_fill(name, "1"))["id"]
        for name, found in names.items():
            text = text.replace(name, f'"{found}"')
        reply = await self._floor.ask(WORLD, text.encode())
        refused = [word[1] for word in expected if word[0] == "refused"]
        if refused:
            assert json.loads(reply.body)["reason"] == refused[0], reply
        else:
            assert reply.outcome in ("created", "existing", "ok"), reply
        for word, *rest in expected:
            if word == "existing":
                assert reply.outcome == "existing", reply
            if word == "field":
                assert is_same(member(json.loads(reply.body), rest[0]), rest[1]), reply

    async def _world(self, words: list[str], _expected: object) -> None:
        """Begins again with a world of this sharing; the first statement of a scenario."""
        await self._running.aclose()
        self._place = self._new_place()
        self._market.sharing = words[0]
        await self._start()

    async def _exchange(self, words: list[str], _expected: object) -> None:
        name, given = words[0], options(words[1:])
        fees = {
            fee: plain(given.get(fee, "0"))
            for fee in ("maker_rate", "taker_rate", "per_share", "minimum")
        }
        profile: dict[str, Any] = {
            "name": "realistic",
            "spread_ticks": int(given.get("spread_ticks", "1")),
            "market_orders": given.get("market_orders", "street"),
        }
        if "participation" in given:
            profile["participation"] = given["participation"]
        listing = {
            "kind": "list_exchange",
            "exchange": name,
            "name": name,
            "currency": "USD",
            "calendar": "always",
            "fees": fees,
            "profile": profile,
        }
        await self._say(**merged(listing, _with(given)))

    async def _instrument(self, words: list[str], _expected: object) -> None:
        symbol, exchange, given = words[0], words[1], options(words[2:])
        listing = {
            "kind": "list_instrument",
            "symbol": symbol,
            "name": symbol,
            "asset_class": "us_equity",
            "exchange": exchange,
            "sector": "",
            "currency": "USD",
            "tick_size": plain(given.get("tick", "0.01")),
            "lot_size": plain(given.get("lot", "1")),
            "price_scale": int(given.get("price_scale", "6")),
            "qty_scale": int(given.get("qty_scale", "6")),
            "source": given.get("source", "street"),
            "trigger": given.get("trigger", "bid_ask"),
        }
        await self._say(**merged(listing, _with(given)))

    async def _quote(self, words: list[str], _expected: object) -> None:
        sides = levels(words[1:])
        fields: dict[str, str | None] = {}
        for side, shown in sides.items():
            fields[side], fields[f"{side}_size"] = shown[0] if shown else (None, None)
        given = {name: value for name, value in fields.items() if value is not None}
        await self._say(kind="quote", symbol=words[0], **given)

    async def _depth(self, words: list[str], _expected: object) -> None:
        sides = levels(words[1:])
        await self._say(kind="depth", symbol=words[0], bids=sides["bid"], asks=sides["ask"])

    async def _trade(self, words: list[str], _expected: object) -> None:
        symbol, price, _times, quantity = words
        await self._say(kind="trade", symbol=symbol, price=plain(price), qty=plain(quantity))

    async def _bar(self, words: list[str], _expected: object) -> None:
        names = ("open", "high", "low", "close")
        prices = dict(zip(names, map(plain, words[1:5]), strict=True))
        volume = plain(options(words[5:]).get("volume", "0"))
        await self._say(kind="bar", symbol=words[0], **prices, volume=volume)

    async def _agent(self, words: list[str], _expected: object) -> None:
        symbol, side, quantity, *rest = words
        terms = order_terms(rest)
        bot = len(self._bots) + 1
        self._bots[terms.get("name", f"bot {bot}")] = bot
        await self._say(
            kind="agent_order",
            symbol=symbol,
            agent=1,
            id=bot,
            side=side,
            qty=plain(quantity),
            price=terms.get("limit_price"),
        )

    async def _agent_cancel(self, words: list[str], _expected: object) -> None:
        await self._say(kind="agent_cancel", symbol=words[0], id=self._bots[words[1]])

    async def _session(self, words: list[str], _expected: object) -> None:
        next_ns = self._market.now + 86_400 * 10**9
        kind = {"auction": words[2]} if len(words) > 2 else {}
        await self._say(kind="session", exchange=words[0], state=words[1], next_ns=next_ns, **kind)

    async def _time(self, words: list[str], _expected: object) -> None:
        word = words[0]
        if word.startswith("+"):
            passed = timedelta(**{UNITS[word[-1]]: int(word[1:-1])})
            self._market.now += int(passed.total_seconds()) * 10**9
        else:
            self._market.now = nanoseconds(datetime.fromisoformat(word))
        await self._say(kind="time")

    async def _restart(self, _words: list[str], _expected: object) -> None:
        await self._running.aclose()
        await self._start()

    # --- users ----------------------------------------------------------------------------------

    async def _account(self, words: list[str], _expected: object) -> None:
        """A user whose first account begins with this much cash instead of the usual."""
        name, currency, cash, *rest = words
        given = options(rest)
        user = self._auth.create_user(name, PASSWORD)
        account_id = account_id_of(user.user_id, WORLD)
        command = {
            "kind": "open_account",
            "account_id": account_id,
            "owner": user.user_id,
            "account_kind": given.get("kind", "cash"),
            "currency": currency,
            "starting_cash": plain(cash),
            "request_id": account_id,
        } | _with(given)
        reply = await self._floor.ask(WORLD, json.dumps(command).encode())
        assert reply.outcome == "created", reply
        self._note_account(account_id, user.user_id)
        login = {"username": name, "password": PASSWORD}
        token = (await self._http.post("/auth/login", json=login)).json()["access_token"]
        self._users[name] = (account_id, {"Authorization": f"Bearer {token}"})

    def _note_account(self, account_id: str, user_id: str) -> None:
        row = {
            "account_id": account_id,
            "user_id": user_id,
            "world": WORLD,
            "name": "Scenario",
            "opened": True,
            "number": 1,
        }
        with self._auth.engine.begin() as connection:
            connection.execute(insert(owned_accounts).values(row))

    async def _buy(self, words: list[str], expected: list[list[str]]) -> None:
        await self._submit("buy", words, expected)

    async def _sell(self, words: list[str], expected: list[list[str]]) -> None:
        await self._submit("sell", words, expected)

    async def _mleg(self, words: list[str], expected: list[list[str]]) -> None:
        """`mleg A SIDE:RATIO:SYMBOL,... QTY ...`: a multi-leg order."""
        legs = [dict(zip(LEG, leg.split(":"), strict=False)) for leg in words[1].split(",")]
        await self._order({"order_class": "mleg", "legs": legs}, words, expected)

    async def _submit(self, side: str, words: list[str], expected: list[list[str]]) -> None:
        await self._order({"symbol": words[1], "side": side}, words, expected)

    async def _order(
        self, what: dict[str, Any], words: list[str], expected: list[list[str]]
    ) -> None:
        user, _what, quantity, *rest = words
        terms = order_terms(rest)
        name = terms.pop("name", str(uuid4()))
        body = {
            "account_id": self._users[user][0],
            **what,
            "qty": plain(quantity),
            "client_order_id": str(uuid4()),
            **terms,
        }
        self._sent[name] = {"user": user, "body": body}
        await self._send(name, body, expected)

    async def _again(self, words: list[str], expected: list[list[str]]) -> None:
        await self._send(words[0], self._sent[words[0]]["body"], expected)

    async def _reuse(self, words: list[str], expected: list[list[str]]) -> None:
        body = self._sent[words[0]]["body"] | {"qty": plain(words[1])}
        await self._send(words[0], body, expected)

    async def _send(self, name: str, body: dict[str, Any], expected: list[list[str]]) -> None:
        user = self._sent[name]["user"]
        reply = await self._http.post("/orders", json=body, headers=self._users[user][1])
        said = reply.json()
        order_id = said.get("order_id") if reply.status_code == 422 else said.get("id")
        assert bool(order_id) == (not any(word == "refused" for word, *_ in expected)), said
        if order_id:
            self._orders[name] = {"id": order_id, "user": user}
        await self._expect(user, name, reply, expected)

    async def _cancel(self, words: list[str], expected: list[list[str]]) -> None:
        name, given = words[0], options(words[1:])
        user = given.get("by", self._orders[name]["user"])
        path = f"/orders/{self._orders[name]['id']}"
        reply = await self._http.delete(path, headers=self._users[user][1])
        await self._expect(user, name, reply, expected)

    async def _replace(self, words: list[str], expected: list[list[str]]) -> None:
        name, given = words[0], options(words[1:])
        user = given.pop("by", self._orders[name]["user"])
        names = {"limit": "limit_price", "stop": "stop_price", "tif": "time_in_force"}
        more = _with(given)
        given.pop("with", None)
        body = {names.get(word, word): plain(value) for word, value in given.items()} | more
        path = f"/orders/{self._orders[name]['id']}"
        reply = await self._http.patch(path, json=body, headers=self._users[user][1])
        await self._expect(user, name, reply, expected)

    async def _cancel_all(self, words: list[str], expected: list[list[str]]) -> None:
        account_id, headers = self._users[words[0]]
        reply = await self._http.delete(
            "/orders", params={"account_id": account_id}, headers=headers
        )
        assert reply.status_code == 207, reply.text
        for word, *rest in expected:
            if word == "canceled_orders":
                assert len(reply.json()["items"]) == int(rest[0]), reply.text
            else:
                await self._expect_of_account(words[0], word, rest)

    # --- expectations ---------------------------------------------------------------------------

    async def _expect(self, user: str, name: str, reply: Reply, expected: list[list[str]]) -> None:
        words = [word for word, *_ in expected]
        is_refused = "refused" in words or ("rejected" in words and "existing" not in words)
        assert (reply.status_code >= 400) == is_refused, reply.text
        for word, *rest in expected:
            if word == "rejected":
                assert reply.status_code == (200 if "existing" in words else 422), reply.text
                assert reply.json()["reason"] == rest[0], reply.text
                await self._expect_of_order(name, "status", ["rejected"])
            elif word == "refused":
                assert reply.json()["reason"] == rest[0], reply.text
            elif word == "existing":
                assert reply.status_code == 200, reply.text
            elif word == "held":
                await self._expect_of_account(user, word, rest)
            else:
                await self._expect_of_order(name, word, rest)

    async def _leg(self, words: list[str], _expected: object) -> None:
        """`leg PARENT N as NAME`: names the Nth order of a group."""
        parent, place, _, name = words
        known = self._orders[parent]
        headers = self._users[known["user"]][1]
        order = (await self._http.get(f"/orders/{known['id']}", headers=headers)).json()
        leg = order["legs"][int(place) - 1]
        self._orders[name] = known | {"id": leg}

    async def _expect_of_order(self, name: str, word: str, rest: list[str]) -> None:
        known = self._orders[name]
        headers = self._users[known["user"]][1]
        order = (await self._http.get(f"/orders/{known['id']}", headers=headers)).json()
        match word, rest:
            case "filled", [quantity]:
                assert Decimal(order["filled_qty"]) == number(quantity), order
            case "filled", [quantity, "@", price]:
                assert Decimal(order["filled_qty"]) == number(quantity), order
                assert Decimal(order["filled_avg_price"]) == number(price), order
            case "rests", [quantity, *at]:
                assert order["status"] in RESTS, order
                leaves = Decimal(order["qty"]) - Decimal(order["filled_qty"])
                assert leaves == number(quantity), order
                if at:
                    assert Decimal(order["limit_price"]) == number(at[1]), order
            case "status", [status]:
                assert order["status"] == status, order
            case "field", [path, wanted]:
                assert is_same(member(order, path), wanted), (path, wanted, order)
            case "canceled", reason:
                assert order["status"] == "canceled", order
                assert not reason or order["reason"] == reason[0], order
            case _:
                raise AssertionError(f"no such expectation: {word} {rest}")

    async def _expect_of_account(self, user: str, what: str, rest: list[str]) -> None:
        account_id, headers = self._users[user]
        account = (await self._http.get(f"/accounts/{account_id}", headers=headers)).json()
        cash, power = Decimal(account["cash"]), Decimal(account["buying_power"])
        seen = {
            "cash": cash,
            "buying_power": power,
            "held": cash - power,
            "realized": Decimal(account["realized_pl"]),
            "equity": Decimal(account["equity"]),
        }
        currency, amount = rest
        assert account["currency"] == currency
        assert seen[what] == number(amount), (what, account)

    # --- checks ---------------------------------------------------------------------------------

    async def _check(self, words: list[str], expected: list[list[str]]) -> None:
        what, *rest = words
        if what == "order":
            for word, *more in expected:
                if word == "held":
                    await self._expect_of_account(self._orders[rest[0]]["user"], word, more)
                else:
                    await self._expect_of_order(rest[0], word, more)
        elif what == "position" and len(rest) > 2:
            await self._check_position(*rest)
        elif expected:
            await self._check_fields(what, rest, expected)
        elif what == "book":
            await self._check_book(rest[0], levels(rest[1:]))
        elif what == "ledger":
            assert self.unbalanced() == {}
        else:
            await self._expect_of_account(rest[0], what, rest[1:])

    async def _check_fields(self, what: str, rest: list[str], expected: list[list[str]]) -> None:
        """Further members of an account, a position or a fill, by their dotted paths."""
        found = await getattr(self, f"_read_{what}")(*rest)
        for word, path, wanted in expected:
            assert word == "field", f"no such expectation: {word}"
            assert is_same(member(found, path), wanted), (path, wanted, found)

    async def _read_account(self, user: str) -> Any:
        account_id, headers = self._users[user]
        return (await self._http.get(f"/accounts/{account_id}", headers=headers)).json()

    async def _read_position(self, user: str, symbol: str) -> Any:
        account_id, headers = self._users[user]
        reply = await self._http.get(f"/accounts/{account_id}/positions", headers=headers)
        return next(item for item in reply.json()["items"] if item["symbol"] == symbol)

    async def _read_fill(self, name: str, number: str) -> Any:
        order = self._orders[name]
        account_id, headers = self._users[order["user"]]
        reply = await self._http.get(f"/accounts/{account_id}/fills?limit=500", headers=headers)
        # The newest come first.
        fills = [item for item in reply.json()["items"] if item["order_id"] == order["id"]]
        return fills[-int(number)]

    async def _check_position(self, user: str, symbol: str, quantity: str, *at: str) -> None:
        account_id, headers = self._users[user]
        reply = await self._http.get(f"/accounts/{account_id}/positions", headers=headers)
        held = [item for item in reply.json()["items"] if item["symbol"] == symbol]
        if number(quantity) == 0:
            assert held == []
            return
        assert Decimal(held[0]["qty"]) == number(quantity), held
        if at:
            assert Decimal(held[0]["avg_entry_price"]) == number(at[1]), held

    async def _check_book(self, symbol: str, sides: dict[str, list[tuple[str, str]]]) -> None:
        headers = next(iter(self._users.values()))[1]
        reply = await self._http.get(
            f"/orderbook/{symbol}", params={"depth": BOOK_DEPTH}, headers=headers
        )
        for side, shown in sides.items():
            seen = [(Decimal(price), Decimal(size)) for price, size, _ in reply.json()[f"{side}s"]]
            assert seen == [(Decimal(price), Decimal(size)) for price, size in shown], reply.text

    def unbalanced(self) -> dict[tuple[int, str], Decimal]:
        """Turns whose lines of an asset, over all accounts and the house, do not sum to zero."""
        sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
        for row in self._reads.rows(select(ledger.c.seq, ledger.c.asset, ledger.c.amount)):
            sums[row["seq"], row["asset"]] += Decimal(row["amount"])
        return {turn: total for turn, total in sums.items() if total != 0}
