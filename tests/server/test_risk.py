"""Limits, the dashboard, alerts, kill switches, compliance."""

import pytest

from papertape.server.auth.store import Role
from papertape.server.models.risk import (
    CheckReply,
    DashboardReply,
    KillSwitchPart,
    LimitReply,
    RiskAlertReply,
)
from server.conftest import PASSWORD
from server.shapes import has_the_shape_of

ORDER_VALUE = {"scope": "user", "measure": "order_value", "limit": "1000", "alert_at": "0.5"}


@pytest.fixture(scope="module")
def boss(product):
    product.auth.create_user("the_boss", PASSWORD, role=Role.ADMIN)
    return product.login("the_boss")


def limit(trader, **fields):
    """A new limit of the trader's."""
    made = trader.client.post("/risk/limits", json=ORDER_VALUE | fields)
    assert made.status_code == 201, made.text
    return made.json()


def lines(trader, path="/risk/dashboard"):
    """The limits of the dashboard, by measure and target."""
    dashboard = trader.client.get(path)
    assert dashboard.status_code == 200, dashboard.text
    return {(one["measure"], one["target"]): one for one in dashboard.json()["limits"]}


# --- limits ---------------------------------------------------------------------------------------


def test_a_limit_holds_from_the_moment_it_is_made(product, alice, bob, stock) -> None:
    made = limit(alice)
    assert has_the_shape_of(made, LimitReply)
    assert (made["scope"], made["everyone"], made["editable"]) == ("user", False, True)
    refused = alice.order(symbol=stock, qty="112", limit_price="9.00")
    assert (refused.status_code, refused.json()["reason"]) == (422, "order_size_limit")
    assert (refused.json()["value"], refused.json()["limit"]) == ("1008", "1000")
    assert alice.order(symbol=stock, qty="111", limit_price="9.00").status_code == 201
    assert bob.order(symbol=stock, qty="112", limit_price="9.00").status_code == 201
    assert alice.client.get(f"/risk/limits/{made['id']}").json() == made
    assert alice.client.get("/risk/limits").json()["items"][-1] == made
    assert bob.client.get(f"/risk/limits/{made['id']}").status_code == 404


def test_a_limit_is_changed_under_its_etag(alice) -> None:
    made = alice.client.post("/risk/limits", json=ORDER_VALUE)
    path, tag = f"/risk/limits/{made.json()['id']}", made.headers["etag"]
    higher = ORDER_VALUE | {"limit": "2000"}
    for headers, status, reason in (
        ({}, 428, "version_needed"),
        ({"If-Match": '"another"'}, 412, "version_changed"),
        ({"If-Match": f"W/{tag}"}, 412, "version_changed"),
        ({"If-Match": "no tag"}, 412, "version_changed"),
    ):
        refused = alice.client.put(path, json=higher, headers=headers)
        assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    changed = alice.client.put(path, json=higher, headers={"If-Match": f'"x", {tag}'})
    assert (changed.status_code, changed.json()["limit"]) == (200, "2000")
    assert changed.json()["id"] == made.json()["id"]
    assert changed.headers["etag"] != tag
    assert alice.client.put(path, json=higher, headers={"If-Match": tag}).status_code == 412
    assert alice.client.delete(path).status_code == 428
    assert alice.client.delete(path, headers={"If-Match": tag}).status_code == 412
    gone = alice.client.delete(path, headers={"If-Match": changed.headers["etag"]})
    assert gone.status_code == 204
    assert alice.client.get(path).status_code == 404
    assert alice.client.delete(path, headers={"If-Match": "*"}).status_code == 404


def test_what_others_change_is_no_change_of_mine(alice, bob) -> None:
    made = alice.client.post("/risk/limits", json=ORDER_VALUE)
    limit(bob)
    path = f"/risk/limits/{made.json()['id']}"
    changed = ORDER_VALUE | {"limit": "7"}
    answer = alice.client.put(path, json=changed, headers={"If-Match": made.headers["etag"]})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "reason", "field"),
    [
        ({"measure": "order_qty", "limit": None}, 422, "malformed", "limit"),
        ({"measure": "restricted"}, 422, "malformed", "limit"),
        ({"measure": "nothing"}, 422, "malformed", "measure"),
        ({"limit": "-1"}, 422, "malformed", "limit"),
        ({"limit": "1e5"}, 422, "malformed", "limit"),
        ({"alert_at": "2"}, 422, "malformed", "alert_at"),
        ({"window_s": 5}, 422, "malformed", "window_s"),
        ({"target": "ACME0"}, 422, "malformed", "target"),
        ({"scope": "instrument"}, 422, "malformed", "target"),
        ({"scope": "instrument", "target": "NONE"}, 422, "unknown_symbol", "target"),
        ({"scope": "asset_class", "target": "none"}, 422, "malformed", "target"),
        ({"scope": "account"}, 422, "malformed", "account_id"),
        ({"measure": "drawdown", "limit": "0.1"}, 422, "malformed", "scope"),
        ({"action": "flatten"}, 422, "malformed", "action"),
        ({"everyone": True}, 403, "not_permitted", None),
        ({"user_id": "00000000-0000-4000-8000-000000000000"}, 403, "not_permitted", None),
        (
            {"scope": "account", "account_id": "00000000-0000-4000-8000-000000000000"},
            404,
            "not_found",
            None,
        ),
    ],
)
def test_a_limit_that_means_nothing_is_refused(alice, fields, status, reason, field) -> None:
    body = {name: value for name, value in (ORDER_VALUE | fields).items() if value is not None}
    refused = alice.client.post("/risk/limits", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (status, reason), refused.text
    assert refused.json().get("field") == field


def test_a_limit_out_of_bounds_is_told_them(alice) -> None:
    refused = alice.client.post("/risk/limits", json=ORDER_VALUE | {"limit": "-1"})
    assert "from 0 to 1000000000000" in refused.json()["detail"]


def test_there_is_one_limit_on_one_thing(alice, stock) -> None:
    made = limit(alice)
    again = alice.client.post("/risk/limits", json=ORDER_VALUE | {"limit": "5"})
    assert (again.status_code, again.json()["reason"]) == (409, "limit_exists")
    for bad, field in (({"limit": "-1"}, "limit"), ({"limit": "5", "alert_at": "7"}, "alert_at")):
        refused = alice.client.post("/risk/limits", json=ORDER_VALUE | bad)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    other = limit(alice, scope="instrument", target=stock)
    assert other["id"] != made["id"]
    assert (other["scope"], other["target"]) == ("instrument", stock)


def test_limits_of_everyone_are_an_admins(product, boss, alice, bob, stock) -> None:
    path = "/risk/limits"
    made = limit(boss, scope="instrument", target=stock, everyone=True, limit="100")
    try:
        assert made["everyone"]
        refused = alice.order(symbol=stock, qty="12", limit_price="9.00")
        assert refused.json()["reason"] == "order_size_limit"
        seen = alice.client.get(f"{path}/{made['id']}")
        assert seen.json() == made | {"editable": False}
        headers = {"If-Match": seen.headers["etag"]}
        assert alice.client.delete(f"{path}/{made['id']}", headers=headers).status_code == 403
        mine = limit(bob)
        assert mine["id"] in {one["id"] for one in boss.client.get(path).json()["items"]}
        only = boss.client.get(path, params={"scope": "instrument"}).json()["items"]
        assert {one["scope"] for one in only} == {"instrument"}
    finally:
        headers = {"If-Match": "*"}
        assert boss.client.delete(f"{path}/{made['id']}", headers=headers).status_code == 204


def test_a_user_does_not_loosen_the_limit_that_an_admin_set(product, boss, alice) -> None:
    user_id = product.auth.user_named(alice.name).user_id
    anybody = {"If-Match": "*"}
    mine = limit(alice)
    assert (mine["set_by"], mine["editable"]) == ("user", True)
    path = f"/risk/limits/{mine['id']}"
    lower = ORDER_VALUE | {"user_id": user_id, "limit": "500"}
    assert boss.client.put(path, json=lower, headers=anybody).json()["set_by"] == "admin"
    of_account = {"scope": "account", "account_id": alice.account_id, "measure": "open_orders"}
    other = limit(boss, **of_account, limit="5")
    for one in (mine, other):
        path = f"/risk/limits/{one['id']}"
        told = alice.client.get(path).json()
        assert (told["set_by"], told["editable"]) == ("admin", False)
        looser = ORDER_VALUE | (of_account if one is other else {}) | {"limit": "9000"}
        for refused in (
            alice.client.put(path, json=looser, headers=anybody),
            alice.client.delete(path, headers=anybody),
        ):
            assert (refused.status_code, refused.json()["reason"]) == (403, "not_permitted")
            assert "an admin set this limit" in refused.json()["detail"]
        again = alice.client.post("/risk/limits", json=looser)
        assert (again.status_code, again.json()["reason"]) == (409, "limit_exists")
        assert "an admin limited this already" in again.json()["detail"]
        assert alice.client.get(path).json() == told
        assert boss.client.delete(path, headers=anybody).status_code == 204


def test_limits_outlast_a_restart_with_their_ids(serve) -> None:
    first = serve()
    made = limit(first.trader("alice"))
    first.running.stop()
    again = serve(first.folder)
    assert again.login("alice").client.get("/risk/limits").json()["items"] == [made]


# --- dashboard ------------------------------------------------------------------------------------


def test_the_dashboard_holds_what_is_used_against_each_limit(product, alice, stock) -> None:
    for fields in (
        {"measure": "order_qty", "limit": "100"},
        {"measure": "order_value", "limit": "1000"},
        {"measure": "open_orders", "limit": "2"},
        {"measure": "order_rate", "limit": "100", "window_s": 3600},
        {"measure": "price_collar", "limit": "0.5"},
        {"measure": "concentration", "limit": "0.5"},
        {"measure": "leverage", "limit": "2"},
        {"measure": "capital_share", "limit": "0.01"},
        {"scope": "sector", "target": "Technology", "measure": "position_value", "limit": "800"},
        {"scope": "asset_class", "target": "*", "measure": "position_value", "limit": "9000"},
        {"scope": "instrument", "target": "*", "measure": "position_qty", "limit": "100"},
        {"scope": "account", "account_id": alice.account_id, "measure": "daily_loss"},
        {"scope": "instrument", "target": "BTC/USD", "measure": "restricted", "limit": None},
    ):
        limit_fields = {"alert_at": None} | fields
        body = {k: v for k, v in (ORDER_VALUE | limit_fields).items() if v is not None}
        assert alice.client.post("/risk/limits", json=body).status_code == 201, body
    alice.order(symbol=stock, qty="40", limit_price="10.01")
    alice.order(symbol=stock, qty="40", limit_price="9.00")
    alice.order(symbol=stock, side="sell", qty="10", limit_price="11.00")
    dashboard = alice.client.get("/risk/dashboard").json()
    assert has_the_shape_of(dashboard, DashboardReply)
    told = {
        (one["measure"], one["target"]): (one["used"], one["utilisation"], one["state"])
        for one in dashboard["limits"]
    }
    assert told == {
        ("order_qty", None): ("40", "0.4", "ok"),
        ("order_value", None): ("360", "0.36", "ok"),
        ("open_orders", None): ("2", "1", "warn"),
        ("order_rate", None): ("3", "0.03", "ok"),
        ("price_collar", None): ("0", "0", "ok"),
        ("concentration", None): ("0.008", "0.016", "ok"),
        ("leverage", None): ("0.008", "0.004", "ok"),
        ("capital_share", None): ("0.008", "0.8", "warn"),
        ("position_value", "Technology"): ("800", "1", "warn"),
        ("position_value", "us_equity"): ("800", "0.088889", "ok"),
        ("position_qty", stock): ("80", "0.8", "warn"),
        ("daily_loss", None): ("0.40", "0.0004", "ok"),
        ("restricted", "BTC/USD"): ("0", None, "ok"),
    }
    (held,) = dashboard["exposure"]["by_instrument"]
    assert (held["qty"], held["buying"], held["selling"]) == ("40", "40", "10")
    (sector,) = dashboard["exposure"]["by_sector"]
    assert (sector["name"], sector["long"], sector["gross"]) == ("Technology", "400.00", "800.00")
    assert dashboard["margin"] is None
    assert dashboard["open_alerts"] == 0


def test_a_price_that_falls_breaks_a_limit_that_no_order_broke(product, alice, stock) -> None:
    limit(alice, scope="sector", target="Technology", measure="position_value", limit="500")
    limit(alice, measure="concentration", limit="0.9")
    alice.order(symbol=stock, qty="40", limit_price="10.01")
    assert lines(alice)["position_value", "Technology"]["state"] == "warn"
    product.quote(stock, "15.00", "15.02")
    breached = lines(alice, "/risk/dashboard?breached=true")
    assert list(breached) == [("position_value", "Technology")]
    line = breached["position_value", "Technology"]
    assert (line["used"], line["utilisation"]) == ("600.4", "1.2008")
    closing = alice.order(symbol=stock, side="sell", qty="40", limit_price="15.00")
    assert closing.json()["status"] == "filled"
    assert lines(alice, "/risk/dashboard?breached=true") == {}


# --- alerts ---------------------------------------------------------------------------------------


def test_an_alert_is_seen_acknowledged_and_resolved(product, alice, bob, stock) -> None:
    limit(alice)
    order = alice.order(symbol=stock, qty="60", limit_price="9.00").json()
    (alert,) = alice.client.get("/risk/alerts", params={"state": "open"}).json()["items"]
    assert has_the_shape_of(alert, RiskAlertReply)
    assert (alert["kind"], alert["level"], alert["order_id"]) == ("risk_alert", "soft", order["id"])
    assert (alert["value"], alert["limit"]) == ("540", "1000")
    path = f"/risk/alerts/{alert['id']}"
    assert alice.client.get(path).json() == alert
    assert alice.client.get("/risk/dashboard").json()["open_alerts"] == 1
    for who, action in ((bob, path), (bob, f"{path}/resolve")):
        method = "GET" if action == path else "POST"
        assert who.client.request(method, action, json={}).status_code == 404
    for action, state, note in (
        ("acknowledge", "acknowledged", "looking"),
        ("acknowledge", "acknowledged", "looking"),
        ("resolve", "resolved", "done"),
        ("acknowledge", "resolved", "done"),
        ("resolve", "resolved", "done"),
    ):
        marked = alice.client.post(f"{path}/{action}", json={"note": note})
        assert (marked.status_code, marked.json()["state"]) == (200, state)
        assert marked.json()["note"] == note
    assert alice.client.get("/risk/alerts", params={"state": "open"}).json()["items"] == []
    assert alice.client.get("/risk/dashboard").json()["open_alerts"] == 0
    seen = alice.client.post(f"{path}/acknowledge")
    assert (seen.status_code, seen.json()["note"]) == (200, "done"), "the note may be left out"
    empty = alice.client.post("/risk/kill-switch", content=b" ")
    assert empty.json()["detail"] == "the body is not JSON: it is empty; send a JSON object"


def test_pages_of_filtered_alerts_miss_none(alice, stock) -> None:
    limit(alice)
    for _ in range(5):
        alice.order(symbol=stock, qty="60", limit_price="9.00")
    everything = alice.client.get("/risk/alerts").json()["items"]
    alice.client.post(f"/risk/alerts/{everything[1]['id']}/resolve", json={})
    wanted = [one["id"] for at, one in enumerate(everything) if at != 1]
    found, cursor = [], None
    while True:
        params = {"state": "open", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = alice.client.get("/risk/alerts", params=params).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == wanted
    for path in ("/risk/alerts?cursor=x", "/compliance/checks?cursor=x"):
        assert alice.client.get(path).json()["field"] == "cursor"


# --- kill switches --------------------------------------------------------------------------------


def test_a_kill_switch_stops_all_orders_until_it_is_turned_off(product, alice, bob, stock) -> None:
    alice.order(symbol=stock, limit_price="9.00")
    for scope in ({"scope": "account", "account_id": alice.account_id}, {"scope": "user"}):
        on = alice.client.post(
            "/risk/kill-switch", json=scope | {"on": True, "reason": "too hot"}
        ).json()
        expected = {"account_id": alice.account_id, "on": True, "reason": "too hot"}
        assert on["accounts"] == [expected | {"set_by": "user"}]
        assert has_the_shape_of(on["accounts"][0], KillSwitchPart)
        assert alice.client.get("/orders").json()["items"] == []
        refused = alice.order(symbol=stock)
        assert refused.json()["reason"] == "kill_switch"
        assert bob.order(symbol=stock).status_code == 201
        dashboard = alice.client.get("/risk/dashboard").json()
        assert (dashboard["kill_switch"], dashboard["open_alerts"]) == ("too hot", 1)
        (alert,) = alice.client.get("/risk/alerts", params={"state": "open"}).json()["items"]
        assert has_the_shape_of(alert, RiskAlertReply)
        told = (alert["kind"], alert["level"], alert["reason"])
        assert told == ("kill_switch", "hard", "too hot")
        assert (alert["scope"], alert["account_id"]) == (scope["scope"], alice.account_id)
        assert bob.client.get("/risk/alerts").json()["items"] == []
        again = scope | {"on": True, "reason": "hotter"}
        assert alice.client.post("/risk/kill-switch", json=again).status_code == 200
        (anew,) = alice.client.get("/risk/alerts", params={"state": "open"}).json()["items"]
        assert (anew["reason"], anew["set_by"]) == ("hotter", "user"), "in place of the first one"
        off = alice.client.post("/risk/kill-switch", json=scope | {"on": False}).json()
        expected = {"on": False, "reason": None, "set_by": None}
        assert off["accounts"] == [{"account_id": alice.account_id} | expected]
        assert alice.client.get("/risk/dashboard").json()["open_alerts"] == 0
        told = alice.client.get("/risk/alerts").json()["items"][:3]
        assert [(one["kind"], one["state"]) for one in told] == [
            ("kill_switch_off", "resolved"),
            ("kill_switch", "resolved"),
            ("kill_switch", "resolved"),
        ]
        assert alice.order(symbol=stock).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "world", "on": True}, 403),
        ({"scope": "user", "user_id": "00000000-0000-4000-8000-000000000000", "on": True}, 403),
        ({"scope": "account", "on": True}, 422),
        ({"scope": "user", "on": "yes"}, 422),
        ({"scope": "user", "on": True, "reason": "\x07"}, 422),
        ({"scope": "user", "account_id": "00000000-0000-4000-8000-000000000000", "on": True}, 422),
        ({"scope": "account", "user_id": "00000000-0000-4000-8000-000000000000", "on": True}, 422),
        ({"scope": "user", "on": False, "flatten": True}, 422),
        (
            {"scope": "account", "account_id": "00000000-0000-4000-8000-000000000000", "on": True},
            404,
        ),
    ],
)
def test_a_kill_switch_of_others_is_out_of_reach(alice, body, status) -> None:
    assert alice.client.post("/risk/kill-switch", json=body).status_code == status


def test_a_user_does_not_lift_what_an_admin_set(product, boss, alice, stock) -> None:
    path = "/risk/kill-switch"
    user_id = product.auth.user_named(alice.name).user_id
    account = {"scope": "account", "account_id": alice.account_id}
    for of_admin, of_user in (
        (account, account),
        ({"scope": "user", "user_id": user_id}, {"scope": "user"}),
    ):
        # An admin's takes the place of the user's own, also where the reason is the same.
        for who, scope in ((alice, of_user), (boss, of_admin)):
            on = who.client.post(path, json=scope | {"on": True, "reason": "review"})
            assert on.status_code == 200
        for body in ({"on": False}, {"on": True, "reason": "mine"}, {"on": True, "flatten": True}):
            refused = alice.client.post(path, json=of_user | body)
            assert (refused.status_code, refused.json()["reason"]) == (403, "not_permitted")
            assert "an admin set this kill switch" in refused.json()["detail"]
        (told,) = alice.client.get(path).json()["accounts"]
        assert (told["on"], told["reason"], told["set_by"]) == (True, "review", "admin")
        dashboard = alice.client.get("/risk/dashboard").json()
        assert dashboard["kill_switch_set_by"] == "admin"
        assert alice.order(symbol=stock).json()["reason"] == "kill_switch"
        assert boss.client.post(path, json=of_admin | {"on": False}).status_code == 200
        assert alice.order(symbol=stock).status_code == 201


def test_an_account_that_is_opened_under_a_switch_is_told_so(boss, alice) -> None:
    path, body = "/risk/kill-switch", {"scope": "user", "reason": "paused"}
    assert alice.client.post(path, json=body | {"on": True}).status_code == 200
    terms = {"name": "second", "kind": "cash", "currency": "USD", "starting_cash": "1000"}
    second = alice.client.post("/accounts", json=terms).json()["id"]
    query = {"account_id": second, "state": "open"}
    (alert,) = alice.client.get("/risk/alerts", params=query).json()["items"]
    told = (alert["kind"], alert["scope"], alert["reason"], alert["set_by"])
    assert told == ("kill_switch", "user", "paused", "user")
    assert {one["on"] for one in alice.client.get(path).json()["accounts"]} == {True}
    assert alice.client.post(path, json=body | {"on": False}).status_code == 200
    assert alice.client.get("/risk/alerts", params=query).json()["items"] == []


def test_an_admin_stops_and_limits_nobody_who_is_not_there(boss) -> None:
    nobody = {"scope": "user", "user_id": "00000000-0000-4000-8000-000000000000"}
    stop = boss.client.post("/risk/kill-switch", json=nobody | {"on": True})
    limit = nobody | {"measure": "order_value", "limit": "5"}
    for refused in (stop, boss.client.post("/risk/limits", json=limit)):
        assert (refused.status_code, refused.json()["reason"]) == (404, "not_found")


def test_an_admin_stops_the_world(product, boss, alice, stock) -> None:
    world = {"scope": "world", "reason": "drill"}
    on = boss.client.post("/risk/kill-switch", json=world | {"on": True}).json()
    assert on["world"] == {"on": True, "reason": "drill", "set_by": "admin"}
    try:
        assert alice.order(symbol=stock).json()["reason"] == "kill_switch"
        told = [
            trader.client.get("/risk/alerts?state=open").json()["items"] for trader in (alice, boss)
        ]
        assert [(one["scope"], one["reason"]) for (one,) in told] == [("world", "drill")] * 2
        assert told[0][0]["id"] != told[1][0]["id"], "each says for itself that it has seen it"
        path = f"/risk/alerts/{told[0][0]['id']}"
        assert alice.client.post(f"{path}/acknowledge", json={}).json()["state"] == "acknowledged"
        assert boss.client.get(f"/risk/alerts/{told[1][0]['id']}").json()["state"] == "open"
        status = alice.client.get("/engine/status").json()
        assert (status["state"], status["kill_switch"]) == ("stopped", "drill")
    finally:
        boss.client.post("/risk/kill-switch", json=world | {"on": False})
    assert alice.client.get(path).json()["state"] == "resolved"
    assert alice.order(symbol=stock).status_code == 201


# --- compliance -----------------------------------------------------------------------------------


def test_what_each_order_was_checked_for_is_kept(product, alice, bob, stock) -> None:
    made = limit(alice)
    fine = alice.order(symbol=stock, qty="10", limit_price="9.00").json()["id"]
    large = alice.order(symbol=stock, qty="500", limit_price="9.00").json()["order_id"]
    failed, passed = alice.client.get("/compliance/checks").json()["items"]
    assert has_the_shape_of(passed, CheckReply)
    assert (passed["order_id"], passed["outcome"], passed["kind"]) == (fine, "passed", "new")
    assert passed["checks"] == ["order", "buying_power", "kill_switch", "loss_stop", "order_size"]
    assert passed["policy"] == alice.client.get("/risk/dashboard").json()["policy_version"]
    assert (failed["order_id"], failed["outcome"]) == (large, "failed")
    assert (failed["reason"], failed["value"]) == ("order_size_limit", "4500")
    assert (failed["limit"], failed["checks"]) == ("1000", [])
    for query, wanted in (
        (f"order_id={fine}", [passed]),
        ("outcome=failed", [failed]),
        (f"account_id={alice.account_id}&outcome=passed", [passed]),
    ):
        assert alice.client.get(f"/compliance/checks?{query}").json()["items"] == wanted
    strangers = bob.client.get(f"/compliance/checks?order_id={fine}").json()
    assert strangers["items"] == []
    changed = alice.client.patch(f"/orders/{fine}", json={"qty": "20"})
    refused = alice.client.patch(f"/orders/{fine}", json={"qty": "400"})
    assert (changed.status_code, refused.json()["reason"]) == (200, "order_size_limit")
    told = alice.client.get(f"/compliance/checks?order_id={fine}").json()["items"]
    assert all(has_the_shape_of(one, CheckReply) for one in told)
    assert [(one["kind"], one["outcome"]) for one in told] == [
        ("replace", "failed"),
        ("replace", "passed"),
        ("new", "passed"),
    ]
    assert (told[0]["value"], told[0]["limit"], told[0]["checks"]) == ("3600", "1000", [])
    assert (told[0]["policy"], told[1]["checks"]) == (passed["policy"], passed["checks"])
    rules = alice.client.get("/compliance/rules").json()["items"]
    active = {rule["check"]: rule["limits"] for rule in rules if rule["active"]}
    assert active == {
        "order": [],
        "buying_power": [],
        "kill_switch": [],
        "order_size": [made["id"]],
    }
