"""The engine: status, statistics, halts, settings, worlds; and the command line on them."""

import json

import pytest
from typer.testing import CliRunner

from papertape.cli import app
from papertape.server.auth.store import Role
from papertape.server.models.engine import (
    EngineConfigReply,
    EngineStatisticsReply,
    EngineStatusReply,
    WorldReply,
)
from server.conftest import PASSWORD
from server.shapes import has_the_shape_of


@pytest.fixture(scope="module")
def boss(product):
    product.auth.create_user("the_boss", PASSWORD, role=Role.ADMIN)
    return product.login("the_boss")


def test_a_world_tells_what_it_is(alice) -> None:
    (world,) = alice.client.get("/worlds").json()["items"]
    assert has_the_shape_of(world, WorldReply)
    assert (world["world"], world["sharing"], world["instruments"]) == ("main", "shared", 151)
    assert alice.client.get("/worlds/main").json()["world"] == "main"
    assert alice.client.get("/worlds/other").status_code == 404


def test_a_halt_is_told_and_lasts_until_it_is_resumed(product, boss, alice, stock) -> None:
    halted = boss.client.post("/engine/halt", json={"symbol": stock, "reason": "news"}).json()
    assert has_the_shape_of(halted, EngineStatusReply)
    entry = {"exchange": "XTST", "symbol": stock, "reason": "news"}
    assert entry in halted["halted"]
    assert alice.client.get(f"/instruments/{stock}").json()["status"] == "halted"
    refused = alice.order(symbol=stock, type="market", limit_price=None, time_in_force="ioc")
    assert refused.json()["reason"] == "halted"
    assert alice.order(symbol=stock, limit_price="10.01").json()["status"] == "new"
    resumed = boss.client.post("/engine/resume", json={"symbol": stock}).json()
    assert entry not in resumed["halted"]
    product.quote(stock, "9.99", "10.00")
    assert alice.client.get("/orders").json()["items"] == []


def test_an_exchange_is_halted_whole(boss, alice, stock) -> None:
    told = boss.client.post("/engine/halt", json={"exchange": "XTST"}).json()
    try:
        entry = {"exchange": "XTST", "symbol": None, "reason": "by an operator"}
        assert entry in told["halted"]
    finally:
        told = boss.client.post("/engine/resume", json={"exchange": "XTST"}).json()
    assert told["halted"] == []
    assert alice.order(symbol=stock, limit_price="10.01").json()["status"] == "filled"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"symbol": "BTC/USD", "exchange": "XTST"}, 422),
        ({"symbol": "NONE"}, 404),
        ({"exchange": "NONE"}, 404),
        ({"symbol": "BTC/USD", "why": "x"}, 422),
    ],
)
def test_a_halt_of_nothing_is_refused(boss, body, status) -> None:
    for action in ("halt", "resume"):
        assert boss.client.post(f"/engine/{action}", json=body).status_code == status


def test_statistics_count_what_was_done(product, alice, stock) -> None:
    before = alice.client.get("/engine/statistics").json()
    assert has_the_shape_of(before, EngineStatisticsReply)
    alice.order(symbol=stock)
    after = alice.client.get("/engine/statistics").json()
    assert after["orders"]["created"] == before["orders"].get("created", 0) + 1
    assert after["commits"] > before["commits"]


def test_settings_are_changed_under_their_etag_and_leave_limits_alone(boss, alice) -> None:
    limit = {"scope": "user", "measure": "order_qty", "limit": "5"}
    made = alice.client.post("/risk/limits", json=limit).json()
    found = boss.client.get("/engine/config")
    assert has_the_shape_of(found.json(), EngineConfigReply)
    wanted = {
        "wash_trade": True,
        "day_trading": {"minimum_equity": "25000", "day_trades": 3, "days": 5},
        "margin": {"call_at": "1.25", "liquidate_at": "1", "grace_s": 3600},
        "day_starts": "21:05",
    }
    path, tag = "/engine/config", {"If-Match": found.headers["etag"]}
    assert boss.client.put(path, json=wanted).status_code == 428
    changed = boss.client.put(path, json=wanted, headers=tag)
    assert {name: changed.json()[name] for name in wanted} == wanted
    for body in ({}, {"wash_trade": "maybe"}):
        assert boss.client.put(path, json=body, headers=tag).status_code == 412
        assert boss.client.put(path, json=body).status_code == 428
    read = boss.client.get(path)
    put_back = boss.client.put(path, json=read.json(), headers={"If-Match": read.headers["etag"]})
    assert put_back.status_code == 200, put_back.text
    assert {name: put_back.json()[name] for name in wanted} == wanted
    bad = {"margin": {"call_at": "1", "liquidate_at": "2"}}
    refused = boss.client.put(path, json=bad, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["field"]) == (422, "liquidate_at")
    assert alice.client.get("/risk/limits").json()["items"] == [made]
    off = boss.client.put(path, json={}, headers={"If-Match": changed.headers["etag"]})
    assert (off.json()["wash_trade"], off.json()["margin"]) == (False, None)
    assert alice.client.put(path, json={}, headers={"If-Match": "*"}).status_code == 403


def run(product, boss, *arguments: str):
    environment = {"PAPERTAPE_URL": product.url(""), "PAPERTAPE_TOKEN": boss.token}
    return CliRunner().invoke(app, ["engine", *arguments], env=environment)


def test_the_command_line_halts_and_resumes(product, boss, alice, stock) -> None:
    halted = run(product, boss, "halt", "--symbol", stock, "--reason", "drill", "--json")
    assert halted.exit_code == 0, halted.output
    assert json.loads(halted.output)["halted"][0]["reason"] == "drill"
    status = run(product, boss, "status")
    assert status.exit_code == 0
    assert f"halted XTST {stock}: drill" in status.output
    assert run(product, boss, "resume", "--symbol", stock).exit_code == 0
    refused = run(product, boss, "halt", "--symbol", "NONE")
    assert (refused.exit_code, "there is no such instrument" in refused.output) == (1, True)
    denied = run(product, alice, "halt", "--symbol", stock)
    assert (denied.exit_code, "only an admin" in denied.output) == (1, True)
    nowhere = run(product, boss, "status", "--url", "http://127.0.0.1:1")
    assert (nowhere.exit_code, "nothing answers" in nowhere.output) == (3, True)
