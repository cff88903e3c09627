"""Concurrent clients of a product that may fall at any moment, and what they were told."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

Json = dict[str, Any]

SYMBOLS = ("AAPL", "BTC/USD")
PASSWORD = "a long enough password"


@dataclass
class Trader:
    """One user with one account; every order has an id, so each can be repeated."""

    name: str
    account_id: str = ""
    token: str = ""
    renew_at: float = 0.0
    sent: dict[str, Json] = field(default_factory=dict)
    told: dict[str, Json] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    async def join(self, client: httpx.AsyncClient) -> None:
        """Register and log in."""
        registered = await client.post("/api/v1/auth/register", json=self._credentials)
        registered.raise_for_status()
        await self.stay_logged_in(client)
        accounts = await client.get("/api/v1/accounts", headers=self.headers)
        self.account_id = accounts.raise_for_status().json()["items"][0]["id"]

    @property
    def _credentials(self) -> Json:
        return {"username": self.name, "password": PASSWORD}

    async def stay_logged_in(self, client: httpx.AsyncClient) -> None:
        """Log in when half the life of the token has passed: many rounds take hours."""
        if time.monotonic() < self.renew_at:
            return
        reply = await client.post("/api/v1/auth/login", json=self._credentials)
        login = reply.raise_for_status().json()
        self.token = login["access_token"]
        self.renew_at = time.monotonic() + login["expires_in"] / 2

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def trade(
        self, client: httpx.AsyncClient, draw: random.Random, killed: asyncio.Event
    ) -> None:
        """Send orders until the product was killed; note what was told and what was not."""
        while not killed.is_set():
            number = len(self.sent)
            body = self._order(f"{self.name}-{number}", draw)
            self.sent[body["client_order_id"]] = body
            await self.send(client, body)

    def _order(self, client_order_id: str, draw: random.Random) -> Json:
        body: Json = {
            "account_id": self.account_id,
            "client_order_id": client_order_id,
            "symbol": draw.choice(SYMBOLS),
            "side": draw.choice(["buy", "buy", "sell"]),
            "qty": "1",
            "time_in_force": "gtc",
            "type": draw.choice(["market", "limit"]),
        }
        if body["symbol"] == "BTC/USD":
            body["qty"] = "0.001"
        if body["type"] == "market":
            body["time_in_force"] = "ioc"
        else:
            body["limit_price"] = "1.00" if body["side"] == "buy" else "9000000.00"
        return body

    async def send(self, client: httpx.AsyncClient, body: Json) -> None:
        """Send one order; anything but a word of the engine leaves it unknown."""
        name = body["client_order_id"]
        self.unknown.add(name)
        try:
            reply = await client.post("/api/v1/orders", json=body, headers=self.headers)
        except httpx.HTTPError:
            await asyncio.sleep(0.05)
            return
        if reply.status_code >= 500 or reply.status_code == 429:
            assert reply.status_code in {429, 503}, reply.text
            await asyncio.sleep(0.05)
            return
        order = self._order_in(reply)
        before = self.told.get(name)
        if before is not None:
            assert reply.status_code in {200, 422}, reply.text
            assert order["id"] == before["id"]
            assert Decimal(order["filled_qty"]) >= Decimal(before["filled_qty"])
        self.told[name] = order
        self.unknown.discard(name)

    @staticmethod
    def _order_in(reply: httpx.Response) -> Json:
        body: Json = reply.json()
        if reply.status_code in {200, 201}:
            return body
        assert reply.status_code == 422, reply.text
        assert body["order_id"], reply.text  # refused by a check: the order is kept
        return {"id": body["order_id"], "status": "rejected", "filled_qty": "0"}

    async def learn(self, client: httpx.AsyncClient, draw: random.Random) -> None:
        """Repeat what is unknown, and some of what is known, until all is known."""
        names = sorted(self.unknown) + draw.sample(sorted(self.told), min(5, len(self.told)))
        for _ in range(100):
            for name in names:
                await self.send(client, self.sent[name])
            names = sorted(self.unknown)
            if not names:
                return
        raise AssertionError(f"{self.name} never learned about {names}")

    async def everything(self, client: httpx.AsyncClient, what: str) -> list[Json]:
        """A whole list of the account, page by page."""
        items: list[Json] = []
        parameters: Json = {"limit": 200} | ({"status": "all"} if what == "orders" else {})
        while True:
            path = f"/api/v1/accounts/{self.account_id}/{what}"
            reply = await client.get(path, params=parameters, headers=self.headers)
            page = reply.raise_for_status().json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            parameters["cursor"] = page["next_cursor"]

    async def check(self, client: httpx.AsyncClient) -> int:
        """Nothing told is lost or doubled; returns the number of orders."""
        orders = await self.everything(client, "orders")
        fills = await self.everything(client, "fills")
        by_name = {order["client_order_id"]: order for order in orders}
        assert len(by_name) == len(orders), "an order is there twice"
        assert set(by_name) == set(self.sent) == set(self.told)
        filled: Counter[str] = Counter()
        for fill in fills:
            filled[fill["order_id"]] += Decimal(fill["qty"])  # type: ignore[assignment]
        assert len({fill["id"] for fill in fills}) == len(fills), "a fill is there twice"
        for name, told in self.told.items():
            order = by_name[name]
            assert order["id"] == told["id"]
            assert Decimal(order["filled_qty"]) >= Decimal(told["filled_qty"])
            assert Decimal(order["filled_qty"]) == filled[order["id"]]
        return len(orders)
