"""What risk leaves for readers: rows of alerts and checks, and the messages that tell alerts."""

import json
from typing import Any

from engine.worlds import ALICE, Driver, command, order, quote, upsert
from papertape.engine import World
from papertape.storage.tables import alerts, checks

ALERT = [column.name for column in alerts.columns][1:]
CHECK = [column.name for column in checks.columns][1:]


def policy(*rules: dict[str, Any], **more: Any) -> bytes:
    return command("set_policy", policy={"rules": list(rules)} | more)


def rows(driver: Driver, table: str, names: list[str]) -> list[dict[str, Any]]:
    kept = driver.rows.get(table, {})
    return [dict(zip(names, kept[key], strict=True)) for key in sorted(kept)]


def rebuilt(driver: Driver) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    upsert(tables, World("main").evolve(driver.turns))
    return tables


def test_an_order_near_its_limit_raises_a_row_and_a_message(driver: Driver) -> None:
    driver.send(policy({"measure": "order_qty", "limit": "100", "alert_at": "0.8"}))
    outcome = driver.send(order("near", qty="80"))
    (alert,) = rows(driver, "alerts", ALERT)
    assert (alert["kind"], alert["level"], alert["measure"]) == ("risk_alert", "soft", "order_qty")
    assert (alert["value"], alert["bound"], alert["account_id"]) == ("80", "100", ALICE)
    (message,) = [one for one in outcome.messages if one[2] == "alerts"]
    told = json.loads(message[4])
    assert message[:2] == (alert["seq"], ALICE)
    assert message[3] == told["kind"] == "risk_alert"
    assert told["id"] == f"{alert['seq']}-{alert['i']}"
    assert told["order_id"] == json.loads(outcome.replies[0][1])["id"] == alert["order_id"]
    assert rebuilt(driver) == driver.rows


def test_checks_are_kept_of_what_a_policy_let_pass_and_of_every_failure(driver: Driver) -> None:
    driver.send(order("free", qty="1"), order("poor", qty="1000000"))
    driver.send(policy({"measure": "order_qty", "limit": "100"}))
    driver.send(order("fine", qty="100"), order("large", qty="101"))
    poor, fine, large = rows(driver, "checks", CHECK)
    assert (poor["outcome"], poor["policy"]) == ("failed", 0)
    assert poor["reason"] == "insufficient_buying_power"
    assert (fine["outcome"], fine["policy"], fine["reason"]) == ("passed", 1, None)
    assert fine["checks"] == sum(1 << bit for bit in (0, 1, 2, 3, 4))
    assert (large["outcome"], large["policy"], large["checks"]) == ("failed", 1, 0)
    assert (large["reason"], large["value"], large["bound"]) == ("order_size_limit", "101", "100")
    assert rebuilt(driver) == driver.rows


def test_a_stop_a_margin_call_its_end_and_a_liquidation_are_alerts(driver: Driver) -> None:
    """3,000 at 10 with 10,000 of equity; a quarter of the value must stay."""
    account = "00000000-0000-4000-8000-00000000ca11"
    opening = command(
        "open_account",
        account_id=account,
        owner="carol",
        account_kind="margin",
        currency="USD",
        starting_cash="10000.00",
        multiplier=4,
        request_id="open-carol",
    )
    calls = {"call_at": "1", "liquidate_at": "0.5", "grace_s": 3600}
    driver.send(opening, policy({"measure": "daily_loss", "limit": "3000"}, margin=calls))
    driver.send(quote("10.00", "10.00", "9000"))
    driver.send(order("buy", account_id=account, qty="3000"))
    for price in ("9.00", "8.80", "10.00", "7.40"):
        driver.send(quote(price, price, "9000"), command("time"))
    told = rows(driver, "alerts", ALERT)
    assert [one["kind"] for one in told] == [
        "account_stopped",
        "margin_called",
        "margin_call_met",
        "margin_called",
        "liquidated",
    ]
    stopped, called, met, _, sold = told
    assert (stopped["measure"], stopped["bound"]) == ("daily_loss", "3000.00")
    assert json.loads(stopped["details"]) == {"leaves": "opening"}
    assert (called["measure"], called["level"]) == ("margin", "hard")
    assert set(json.loads(called["details"])) == {"due"}
    assert met["level"] == "info"
    assert sold["symbol"] == "ACME"
    assert set(json.loads(sold["details"])) == {"qty"}
    assert rebuilt(driver) == driver.rows


def test_rules_say_what_counts_and_where_it_was_said(driver: Driver) -> None:
    outcome, rules = driver.reply(command("rules", symbol="ACME"))
    assert (outcome, rules["version"], rules["profile_from"]) == ("ok", 0, "listing")
    driver.send(command("set_profile", exchange="XTST", profile="optimistic"))
    driver.send(command("set_fees", symbol="ACME", fees={"preset": "us_equity"}))
    _, rules = driver.reply(command("rules", symbol="ACME"))
    assert (rules["profile"]["name"], rules["profile_from"]) == ("optimistic", "exchange")
    assert (rules["fees_from"], rules["version"]) == ("own", 1)
    _, rules = driver.reply(command("rules", exchange="XTST"))
    assert (rules["profile_from"], rules["fees_from"], rules["symbol"]) == ("own", "listing", None)
    assert driver.reply(command("rules", symbol="NONE"))[0] == "malformed"


def test_presets_are_the_profiles_and_fees_that_have_a_name(driver: Driver) -> None:
    _, presets = driver.reply(command("presets"))
    names = [one["name"] for one in presets["profiles"]]
    assert names == ["realistic", "optimistic", "conservative", "alpaca_paper"]
    assert all(one["profile"]["name"] == one["name"] for one in presets["profiles"])
    assert "us_equity" in [one["name"] for one in presets["fees"]]
    for one in presets["profiles"]:
        told = command("set_profile", symbol="ACME", profile=one["profile"])
        assert driver.send(told).replies[0][0] in {"ok", "existing"}
