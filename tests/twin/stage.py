"""The stage of a random flow: a world with exchanges, instruments and accounts of all kinds."""

import random
from typing import Any

from twin import profile_flow
from twin.amounts import format_decimal

WORLD = "twin"
START_NS = 1_795_168_800 * 10**9
SCALES = [
    # price scale, quantity scale, tick, lot, middle price in ticks
    (6, 6, 10_000, 1_000_000, 100),
    (2, 0, 5, 10, 400),
    (2, 0, 1, 1, 10_000),
    (8, 8, 1_000_000, 10_000, 300),
    (9, 0, 1, 100, 7_000),
    (0, 12, 1, 1_000_000_000, 50),
    (5, 2, 1, 100, 110_000),
    (12, 12, 10**9, 10**10, 90),
    (1, 1, 5, 3, 60),
]


class Stage:
    """Draws what the world begins with."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now_ns = START_NS + self.random.randrange(86_400) * 10**9
        self.middles: dict[str, int] = {}

    def listing(self) -> list[dict[str, Any]]:
        """The commands that create the world."""
        draw = self.random
        steps = [{"kind": "create_world", "world": WORLD, "seed": 7, "sharing": "shared"}]
        exchanges = ["XONE", "XTWO", "XTRI"][: draw.randint(1, 3)]
        steps += [self.exchange(name) for name in exchanges]
        for index in range(draw.randint(1, 4)):
            steps.append(self.instrument(index, draw.choice(exchanges)))
        for index in range(draw.randint(2, 4)):
            steps.append(self.opening(index))
        if draw.random() < 0.7:
            steps.append({"kind": "set_rate", "from": "EUR", "to": "USD", "rate": "1.0837"})
        return steps

    def exchange(self, name: str) -> dict[str, Any]:
        draw = self.random
        rules: dict[str, Any] = {}
        if draw.random() < 0.25:
            rules["band"] = draw.choice(["0", "1", "3.5", "10", "100", "0.0000001", "101"])
        if draw.random() < 0.2:
            rules["halt_auction"] = draw.choice([True, False])
        if draw.random() < 0.2:
            rules["mic"] = "XNAS"
        return rules | {
            "kind": "list_exchange",
            "exchange": name,
            "name": f"Exchange {name}",
            "currency": "USD",
            "calendar": "24/7",
            "fees": self.fees(),
            "profile": profile_flow.profile(draw),
        }

    def fees(self) -> dict[str, Any]:
        """A schedule: mostly plain, now and then a preset or one with rarer members."""
        draw = self.random
        rates = ["0", "0.001", "0.0025", "0.000333333", "0.05", "1"]
        schedule: dict[str, Any] = {}
        if draw.random() < 0.25:
            names = ["none", "us_equity", "us_equity_per_share", "us_option", "future"]
            schedule["preset"] = draw.choice([*names, "crypto", "perpetual", "fx", "etf"])
        if not schedule or draw.random() < 0.3:
            schedule |= {
                "maker_rate": draw.choice(rates),
                "taker_rate": draw.choice(rates),
                "per_share": draw.choice(["0", "0", "0.005", "0.000000001", "1.5"]),
                "minimum": draw.choice(["0", "0", "0.000017", "1", "35"]),
            }
        if draw.random() < 0.25:
            schedule |= self.rarer_fees()
        return schedule

    def rarer_fees(self) -> dict[str, Any]:
        """Some of the members that few schedules have."""
        draw = self.random
        levels = [("0", "0.0009"), ("1000", "0.0005"), ("50000", "0"), ("1000000", "0.0001")]
        all_ = {
            "per_contract": draw.choice(["0.65", "0.000000003", "2"]),
            "fixed": draw.choice(["1", "0.123456"]),
            "cap_rate": draw.choice(["0.01", "0.000001"]),
            "maximum": draw.choice(["3", "0.5"]),
            "whole_order": draw.choice([True, False]),
            "sale_rate": draw.choice(["0.0000278", "0.01"]),
            "sale_per_share": draw.choice(["0.000166", "0.1"]),
            "sale_cap": draw.choice(["8.3", "0.01"]),
            "tiers": [
                {"volume": volume, "maker_rate": rate, "taker_rate": rate}
                for volume, rate in levels[draw.randint(0, 2) :]
            ],
        }
        names = draw.sample(list(all_), draw.randint(1, 4))
        return {name: all_[name] for name in names}

    def instrument(self, index: int, exchange: str) -> dict[str, Any]:
        draw = self.random
        price_scale, qty_scale, tick, lot, middle = draw.choice(SCALES)
        symbol = ["ACME", "BTC/USD", "ZULU", "EUR/USD"][index]
        self.middles[symbol] = middle
        rules: dict[str, Any] = {}
        if draw.random() < 0.15:
            rules["band"] = draw.choice(["0", "2", "5", "50"])
        if draw.random() < 0.15:
            rules["industry"] = "Gears"
        if draw.random() < 0.2:
            steps = [(middle // 10 * 10, 2), (middle // 10 * 10 + 20, 5)]
            rules["tick_table"] = [
                [format_decimal(one * tick, price_scale, 0) for one in row]
                for row in steps[: draw.randint(1, 2)]
            ]
        kind = draw.choice(["us_equity", "us_equity", "crypto", "fx", "future", "perpetual"])
        if kind in {"future", "perpetual"} or (kind == "fx" and draw.random() < 0.5):
            rules["contract"] = self.contract(kind)
        return rules | {
            "kind": "list_instrument",
            "symbol": symbol,
            "name": f"Instrument {index}",
            "asset_class": kind,
            "exchange": exchange,
            "sector": draw.choice(["", "Industrials"]),
            "currency": draw.choice(["USD"] * 7 + ["EUR"] * 3),
            "tick_size": format_decimal(tick, price_scale, 0),
            "lot_size": format_decimal(lot, qty_scale, 0),
            "price_scale": price_scale,
            "qty_scale": qty_scale,
            "source": draw.choice(["street", "street", "agents"]),
            "trigger": draw.choice(["bid_ask", "last"]),
        }

    def contract(self, kind: str) -> dict[str, Any]:
        """A margined contract: what one unit stands for, and what must be deposited."""
        draw = self.random
        contract: dict[str, Any] = {
            "multiplier": draw.choice(["1", "50", "0.1", "0.000001", "100", "2.5", "1000000"])
        }
        if draw.random() < 0.7:
            contract["initial_margin_rate"] = draw.choice(["0.1", "0.03333", "1"])
        if not contract.get("initial_margin_rate") or draw.random() < 0.3:
            contract["initial_margin"] = draw.choice(["12.5", "1", "500"])
        if draw.random() < 0.3 and "initial_margin_rate" in contract:
            contract["maintenance_margin_rate"] = draw.choice(["0.02", "0.5"])
        if kind == "future" and draw.random() < 0.97:
            ahead = draw.choice([3_600, 86_400, 300_000, 3_000_000])
            contract["expiry_ns"] = str(self.now_ns + ahead * 10**9)
        elif draw.random() < 0.4:
            contract["funding_interval_s"] = draw.choice(["3600", "28800", "60"])
        return contract

    def opening(self, index: int) -> dict[str, Any]:
        draw = self.random
        command = {
            "kind": "open_account",
            "account_id": f"00000000-0000-4000-8000-00000000000{index}",
            "owner": f"user-{draw.randrange(2)}",
            "account_kind": draw.choices(["cash", "margin", "journal"], [6, 12, 1])[0],
            "currency": draw.choice(["USD"] * 8 + ["EUR"]),
            "starting_cash": draw.choices(
                ["100000", "5000.000001", "400.5", "0", "1000000000000", "33333.333333"],
                [4, 4, 3, 1, 1, 3],
            )[0],
            "request_id": "open",
        }
        if draw.random() < 0.6:
            command["cost_method"] = draw.choice(["fifo", "lifo", "specific", "average"])
        if command["account_kind"] == "margin" or draw.random() < 0.01:
            if draw.random() < 0.7:
                command["multiplier"] = draw.choice([1, 2, 4, "4", 3])
            if draw.random() < 0.3:
                command["maintenance_rate"] = draw.choice(["0", "0.3", "1", "0.123456789"])
            if draw.random() < 0.8:
                command["interest_rate"] = draw.choice(["0.08", "0.000001", "1"])
            if draw.random() < 0.3:
                command["short_maintenance_rate"] = draw.choice(["0", "0.4", "1", "2"])
        return command
