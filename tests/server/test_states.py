"""Channels that tell a state anew, and the heartbeat."""

from typing import Any

import pytest

from papertape.server.stream import session, states


@pytest.fixture(autouse=True)
def quick_rounds(monkeypatch):
    monkeypatch.setattr(states, "EVERY_S", 0.02)


def test_a_portfolio_is_told_anew_when_prices_move(product, alice, stock) -> None:
    alice.order(symbol=stock, limit_price="10.01")
    with product.stream(alice) as stream:
        first = stream.subscribe("portfolio")["portfolio"]
        assert (first["type"], first["account_id"]) == ("snapshot", alice.account_id)
        assert first["data"]["account"] == {
            name: value for name, value in alice.account().items() if name != "as_of_seq"
        }
        assert first["data"]["positions"][0]["qty"] == "10"
        product.quote(stock, "10.99", "11.01")
        then = stream.until("portfolio", "portfolio")
        assert then["seq"] >= first["seq"]
        assert (
            then["data"]["positions"][0]["current_price"]
            != (first["data"]["positions"][0]["current_price"])
        )
        assert then["data"]["account"]["equity"] == alice.account()["equity"]


def test_an_order_changes_the_portfolio_and_what_is_not_held_does_not(
    product, alice, stock
) -> None:
    other = product.stock()
    with product.stream(alice) as stream:
        stream.subscribe("portfolio")
        product.quote(other, "5.00", "5.02")
        product.quote(stock, "9.98", "10.01")
        assert stream.quiet_for(0.2)
        alice.order(symbol=stock, limit_price="10.01", qty="3")
        told = stream.until("portfolio", "portfolio")
        assert [one["qty"] for one in told["data"]["positions"]] == ["3"]
        alice.order(symbol=stock, limit_price="9.00", qty="2")
        held = stream.until("portfolio", "portfolio")["data"]["account"]
        assert held["buying_power"] == alice.account()["buying_power"]


def test_risk_tells_where_an_account_stands(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        first = stream.subscribe("risk")["risk"]["data"]
        assert (first["account_id"], first["status"]) == (alice.account_id, "active")
        assert (first["equity"], first["kill_switch"]) == ("100000.00", None)
        assert first["buying_power"] == "100000.00"
        alice.order(symbol=stock, limit_price="10.01")
        then = stream.until("risk", "risk")["data"]
        assert then["equity"] == alice.account()["equity"]


def test_risk_tells_how_much_of_each_limit_is_used(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe("risk")
        terms = {"scope": "instrument", "target": stock, "measure": "position_qty", "limit": "20"}
        made = alice.client.post("/risk/limits", json=terms)
        assert made.status_code == 201, made.text
        _until_used(stream, made.json()["id"], ("20", "0", "ok"))
        alice.order(symbol=stock, limit_price="10.01", qty="17")
        limits = _until_used(stream, made.json()["id"], ("20", "17", "warn"))
        dashboard = alice.client.get("/risk/dashboard").json()
        assert limits == dashboard["limits"]


def _until_used(stream, limit_id: str, told: tuple[str, str, str]) -> list[dict[str, Any]]:
    """The limits, when this one says this."""
    while True:
        limits = stream.until("risk", "risk")["data"]["limits"]
        found = [one for one in limits if one["id"] == limit_id]
        if [(one["limit"], one["used"], one["state"]) for one in found] == [told]:
            return limits


def test_the_engine_tells_its_clock_its_exchanges_and_what_is_halted(product, alice) -> None:
    symbol = product.stock()
    with product.stream(alice) as stream:
        first = stream.subscribe("engine")["engine"]
        assert "account_id" not in first
        assert first["data"]["world"] == "main"
        (exchange,) = first["data"]["exchanges"]
        assert (exchange["exchange"], exchange["state"]) == ("XTST", "open")
        assert symbol not in first["data"]["halted"]
        product.feed({"kind": "halt", "symbol": symbol, "reason": "news"})
        while symbol not in stream.until("engine", "engine")["data"]["halted"]:
            pass
        assert stream.until("engine")["data"]["time"] > first["data"]["time"]


def test_states_are_of_the_own_accounts_only(product, alice, bob, stock) -> None:
    with product.stream(alice) as stream:
        first = stream.subscribe("portfolio", "risk")
        assert {one["account_id"] for one in first.values()} == {alice.account_id}
        bob.order(symbol=stock, limit_price="10.01")
        assert stream.quiet_for(0.2)


def test_who_unsubscribes_hears_no_more(product, alice, stock) -> None:
    with product.stream(alice) as stream, product.stream(alice) as other:
        stream.subscribe("portfolio", "engine")
        other.subscribe("portfolio")
        stream.send(action="unsubscribe", channels=["portfolio", "engine"])
        assert stream.until("session", "unsubscribed")
        alice.order(symbol=stock, limit_price="10.01")
        assert other.until("portfolio", "portfolio")
        assert stream.quiet_for(0.2)


def test_a_floor_that_is_away_is_told_and_asked_again(serve) -> None:
    product = serve()
    trader = product.trader()
    with product.stream(trader) as stream:
        stream.subscribe("portfolio", "engine")
        product.stop_floor()
        stream.send(action="subscribe", channels=["risk"])
        told = stream.until("session", "error")
        assert told["reason"] == "not_accepted"


def test_after_lost_messages_the_state_is_looked_at_again(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe("portfolio")
        product.lose_messages()
        alice.order(symbol=stock, limit_price="10.01")
        told = stream.until("portfolio", "portfolio")
        assert [one["symbol"] for one in told["data"]["positions"]] == [stock]


def test_a_heartbeat_tells_that_the_connection_lives(product, alice, monkeypatch) -> None:
    monkeypatch.setattr(session, "HEARTBEAT_S", 0.05)
    with product.stream(alice) as stream:
        times = [stream.until("session", "heartbeat")["data"]["time"] for _ in range(3)]
        assert times == sorted(set(times))
