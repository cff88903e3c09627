"""An exchange of your own: orders, a short sale, a dividend, and why each price was paid.

    .venv/bin/python examples/own_exchange.py

A world takes commands as JSON and answers with JSON; nothing else is needed, no server and no file.
"""

import json
from typing import Any

from papertape.engine import World

NINE_O_CLOCK = 1_767_603_600 * 10**9
ALICE, BOB = ("00000000-0000-4000-8000-00000000000" + digit for digit in "12")


class Exchange:
    """A world and a clock that moves one second with every command."""

    def __init__(self) -> None:
        self.world = World("mine")
        self.now_ns = NINE_O_CLOCK

    def send(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The reply to a command; prints the receipt of every fill that it caused."""
        self.now_ns += 10**9
        command = json.dumps({"kind": kind, **fields}).encode()
        outcome = self.world.apply([(self.now_ns, command)])
        for _seq, account, channel, _type, data in outcome.messages:
            if channel == "fills":
                name = "Alice" if account == ALICE else "Bob"
                print(f"  {name}: {json.loads(data)['receipt']['sentence']}")
        reply = outcome.replies[0]
        return json.loads(reply[1]) if reply else {}

    def order(self, account: str, side: str, qty: str, **terms: Any) -> dict[str, Any]:
        """Sends an order for ACME."""
        number = str(self.now_ns)
        terms = {"type": "market", "time_in_force": "day", "client_order_id": number} | terms
        return self.send("submit", account_id=account, symbol="ACME", side=side, qty=qty, **terms)


def open_exchange() -> Exchange:
    """One exchange, one stock, a cash account and a margin account."""
    mine = Exchange()
    mine.send("create_world", world="mine", seed=1, sharing="shared")
    mine.send(
        "list_exchange",
        exchange="MINE",
        name="My exchange",
        currency="USD",
        calendar="always",
        fees={"maker_rate": "0", "taker_rate": "0", "per_share": "0.005", "minimum": "1"},
        profile={"name": "realistic", "spread_ticks": 1, "market_orders": "street"},
    )
    mine.send(
        "list_instrument",
        symbol="ACME",
        name="Acme Inc.",
        asset_class="us_equity",
        exchange="MINE",
        currency="USD",
        tick_size="0.01",
        lot_size="1",
        price_scale=6,
        qty_scale=6,
        source="street",
        trigger="bid_ask",
    )
    for account, kind in ((ALICE, "cash"), (BOB, "margin")):
        mine.send(
            "open_account",
            account_id=account,
            owner=account,
            account_kind=kind,
            currency="USD",
            starting_cash="10000",
            request_id="open",
        )
    return mine


def main() -> None:
    """Trades a little and says what everybody is worth."""
    mine = open_exchange()
    levels = {"bids": [["9.99", "30"]], "asks": [["10.01", "30"], ["10.02", "100"]]}
    mine.send("depth", symbol="ACME", **levels)
    print("Alice buys 50 at the market:")
    mine.order(ALICE, "buy", "50")
    print("Bob sells 20 short, then Alice's bid meets his offer:")
    mine.order(BOB, "sell", "20")
    mine.order(BOB, "sell", "10", type="limit", limit_price="10.00")
    mine.order(ALICE, "buy", "10", type="limit", limit_price="10.00")
    print("A dividend of 0.50 a share: Alice gets it, Bob owes it.")
    action = {"action_id": "dividend-1", "action": "cash_dividend", "amount": "0.50"}
    mine.send("corporate_action", symbol="ACME", **action)
    for name, account in (("Alice", ALICE), ("Bob", BOB)):
        value = mine.send("value", account_id=account)
        held = ", ".join(f"{item['qty']} {item['symbol']}" for item in value["positions"])
        print(f"{name} holds {held} and is worth {value['account']['equity']} USD.")


if __name__ == "__main__":
    main()
