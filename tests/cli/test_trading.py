"""A trader at the command line."""

import json
import re
import stat

import pyotp
import pytest

from papertape.client import Client
from server.conftest import PASSWORD


def test_an_order_is_sent_listed_changed_and_canceled(logged_in, told, stock):
    sent = logged_in("order", "buy", stock, "10", "--limit", "9.50", "--tif", "gtc")
    assert sent.exit_code == 0, sent.output
    found = re.fullmatch(rf"(\S+): buy 10 {stock} limit, new\n", sent.stdout)
    assert found, sent.stdout
    order_id = found[1]
    [listed] = told("order", "list")
    assert (listed["id"], listed["limit_price"]) == (order_id, "9.50")
    assert order_id in logged_in("order", "list", "--symbol", stock).stdout
    assert told("order", "replace", order_id, "--limit", "9.40", "--qty", "5")["qty"] == "5"
    assert told("order", "show", order_id)["limit_price"] == "9.40"
    assert "9.40" in logged_in("order", "show", order_id).stdout
    assert logged_in("order", "cancel", order_id).stdout == f"{order_id}: canceled\n"
    assert logged_in("order", "list").stdout == "no orders\n"
    assert logged_in("order", "list", "--status", "all").stdout.count(order_id) == 1


def test_a_fill_is_told_and_held_and_closed(logged_in, told, stock):
    done = logged_in("order", "buy", stock, "10").stdout
    assert done.endswith("filled, 10 filled at 10.01\n")
    assert stock in logged_in("positions").stdout
    [position] = told("positions")
    assert (position["qty"], position["avg_entry_price"]) == ("10", "10.01")
    assert told("close", stock, "--percentage", "50")["qty"] == "5"
    assert "sell 5" in logged_in("close", "--all").stdout
    assert logged_in("positions").stdout == "nothing held\n"
    assert logged_in("close", "--all").stdout == "nothing held\n"
    assert logged_in("close").exit_code == 2
    assert logged_in("close", "--all", "--qty", "1").exit_code == 2


def test_every_option_reaches_the_order(told, stock):
    order = told(
        *("order", "buy", stock, "10", "--limit", "9.50", "--tif", "gtd", "--post-only"),
        *("--expires", "2099-01-01T00:00:00Z", "--display", "5", "--take-profit", "12"),
        *("--stop-loss", "8", "--strategy", "dip", "--tag", "a", "--tag", "b", "--id", "mine"),
    )
    expected = {
        "order_class": "bracket",
        "take_profit": {"limit_price": "12.00"},
        "display_qty": "5",
        "post_only": True,
        "expire_time": "2099-01-01T00:00:00Z",
        "strategy": "dip",
        "tags": ["a", "b"],
        "client_order_id": "mine",
    }
    assert {name: order[name] for name in expected} == expected
    assert order["stop_loss"]["stop_price"] == "8.00"
    assert told("order", "buy", stock, "--notional", "100")["notional"] == "100.00"
    assert told("order", "sell", stock, "1", "--trail-percent", "5")["type"] == "trailing_stop"


def test_a_preview_sends_nothing(logged_in, told, stock):
    assert told("order", "buy", stock, "10", "--preview")["cost"] == "100.10"
    refused = logged_in("order", "buy", stock, "1000000", "--limit", "10", "--preview").stdout
    assert "rejected: insufficient_buying_power" in refused
    assert told("order", "list", "--status", "all") == []


def test_many_orders_are_canceled_and_refusals_are_told(logged_in, told, stock):
    ids = [told("order", "buy", stock, "1", "--limit", "9")["id"] for _ in range(3)]
    done = logged_in("order", "cancel", *ids[:2])
    assert (done.exit_code, done.stdout) == (0, "".join(f"{one}: canceled\n" for one in ids[:2]))
    again = logged_in("order", "cancel", *ids)
    assert again.exit_code == 1
    assert again.stdout == f"{ids[2]}: canceled\n"
    assert "not_cancelable" in again.stderr
    told("order", "buy", stock, "1", "--limit", "9")
    assert logged_in("order", "cancel-all").stdout == "1 orders canceled\n"


def test_accounts_are_opened_and_named(logged_in, told, stock):
    assert [account["name"] for account in told("accounts")] == ["Paper account"]
    assert told("account", "open", "Swing", "--kind", "margin", "--cash", "500")["cash"] == "500.00"
    assert told("account", "deposit", "50.5", "--account", "Swing")["cash"] == "550.50"
    assert told("account", "withdraw", "50", "--account", "Swing")["cash"] == "500.50"
    assert "500.50" in logged_in("account", "--account", "Swing").stdout
    assert told("order", "buy", stock, "1", "--account", "Swing")["status"] == "filled"
    assert logged_in("account", "flatten", "--account", "Swing").stdout == (
        "0 orders canceled, 1 positions closed\n"
    )
    assert logged_in("account", "reset", "--account", "Swing", answer="n\n").exit_code == 1
    assert told("account", "reset", "--account", "Swing", "--yes", "--cash", "7")["cash"] == "7.00"
    unknown = logged_in("account", "--account", "Swung")
    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "papertape: --account: no account is called Swung; yours: Paper account, Swing\n",
    )


def test_the_market_is_shown(run, product, stock):
    where = ("--url", product.url(""))
    assert "9.99" in run("quote", stock, "BTC/USD", *where).stdout
    assert json.loads(run("quote", stock, "--json", *where).stdout)[0]["ask"] == "10.01"
    book = run("book", stock, *where).stdout.splitlines()
    assert book[1].split() == ["1", "100", "9.99", "10.01", "100", "1"]
    assert run("bars", stock, "--timeframe", "1d", *where).exit_code == 0
    assert "Bitcoin" in run("instruments", "btc", *where).stdout


def test_watching_prints_what_happens(logged_in, product, stock):
    watched = logged_in("watch", stock, "--mine", "--count", "4")
    assert watched.exit_code == 0, watched.output
    assert f"quote  {stock}  9.99 x 100  |  10.01 x 100" in watched.stdout
    lines = logged_in("watch", stock, "--count", "2", "--json").stdout.splitlines()
    assert {json.loads(line)["channel"] for line in lines} == {f"quotes:{stock}", f"trades:{stock}"}


REFUSED = [
    # typed, exit code, said
    (("order", "buy", "NOPE", "1"), 1, "unknown_symbol"),
    (("order", "buy", "{stock}", "1000000", "--limit", "10"), 1, "insufficient_buying_power"),
    (("order", "buy", "{stock}", "ten"), 1, "invalid_quantity"),
    (("order", "show", "nothing"), 1, "not_found"),
    (("order", "buy", "{stock}", "1", "--tif", "soon"), 2, "Invalid value"),
    (("quote", "NOPE"), 1, "not_found"),
    (("quote", ".."), 2, "names nothing"),
    (("quote", "AAPL", "--url", "localhost"), 2, "is no address"),
    (("accounts", "--url", "http://127.0.0.1:1"), 3, "nothing answers"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSED)
def test_what_goes_wrong_is_one_line_and_an_exit_code(logged_in, stock, words, code, said):
    done = logged_in(*(word.format(stock=stock) for word in words))
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
    assert code == 2 or done.stderr.count("\n") == 1


def test_with_json_a_refusal_is_an_object(logged_in, stock):
    done = logged_in("order", "buy", stock, "1000000", "--limit", "10", "--json")
    error = json.loads(done.stderr)["error"]
    assert (error["status"], error["reason"]) == (422, "insufficient_buying_power")
    assert error["order_id"]


# --- logging in ----------------------------------------------------------------------------------


def test_a_login_is_kept_for_its_owner_alone_and_ended(logged_in, home, product, alice):
    [file] = home.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert PASSWORD not in file.read_text()
    assert alice.name in logged_in("whoami").stdout
    kept = json.loads(file.read_text())["logins"][product.url("")]
    assert logged_in("logout").exit_code == 0
    assert "token" not in file.read_text()
    assert logged_in("accounts", "--url", product.url("")).exit_code == 4
    refresh = {"refresh_token": kept["refresh_token"]}
    assert product.anyone.post("/auth/refresh", json=refresh).status_code == 401


def test_a_login_asks_for_what_is_not_given(run, product, alice):
    typed = f"{alice.name}\n{PASSWORD}\n"
    done = run("login", "--url", product.url(""), answer=typed)
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    wrong = run("login", "--url", product.url(""), answer=f"{alice.name}\nwrong horse\n")
    assert wrong.exit_code == 4
    assert "wrong_login" in wrong.stderr


def test_a_login_with_a_second_factor_asks_for_its_code(run, product, alice):
    with Client.login(product.url(""), alice.name, PASSWORD) as client:
        secret = client.security.begin_two_factor(PASSWORD).secret
        [recovery, *_] = client.security.confirm_two_factor(pyotp.TOTP(secret).now()).recovery_codes
        assert client.security.two_factor().enabled
    typed = ("login", "--url", product.url(""), "--username", alice.name, "--password-stdin")
    assert run(*typed, answer=f"{PASSWORD}\n").exit_code == 1, "nobody is there to be asked"
    assert run(*typed, answer=f"{PASSWORD}\n{recovery}\n").exit_code == 0
    assert run("whoami").exit_code == 0


def test_an_old_token_is_renewed_and_kept(logged_in, home, product):
    [file] = home.iterdir()
    saved = json.loads(file.read_text())
    saved["logins"][product.url("")]["token"] = "old"
    file.write_text(json.dumps(saved))
    assert logged_in("accounts").exit_code == 0
    assert json.loads(file.read_text())["logins"][product.url("")]["token"] != "old"


def test_a_broken_file_of_logins_is_said_so(logged_in, home):
    [file] = home.iterdir()
    file.write_text("{")
    done = logged_in("accounts")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "delete it and log in" in done.stderr


def test_keys_are_made_used_listed_and_revoked(logged_in, told, run, product, monkeypatch, stock):
    key = told("keys", "create", "bot", "--scope", "read", "--ip", "127.0.0.1")
    assert [one["key_id"] for one in told("keys", "list")] == [key["key_id"]]
    assert key["key_id"] in logged_in("keys", "list").stdout
    monkeypatch.setenv("PAPERTAPE_URL", product.url(""))
    monkeypatch.setenv("PAPERTAPE_KEY_ID", key["key_id"])
    monkeypatch.setenv("PAPERTAPE_SECRET", key["secret"])
    assert run("accounts").exit_code == 0
    refused = run("order", "buy", stock, "1")
    assert (refused.exit_code, "not_permitted" in refused.stderr) == (1, True)
    monkeypatch.delenv("PAPERTAPE_KEY_ID")
    assert run("accounts").exit_code == 2
    monkeypatch.delenv("PAPERTAPE_SECRET")
    assert "revoked" in logged_in("keys", "revoke", key["key_id"]).stdout
    assert told("keys", "list") == []


def test_a_key_is_saved_when_it_works(logged_in, told, run, product, stock):
    key = told("keys", "create", "bot")
    saving = ("login", "--url", product.url(""), "--key-id", key["key_id"], "--password-stdin")
    assert run(*saving, answer="wrong\n").exit_code == 4
    assert run(*saving, answer=key["secret"] + "\n").exit_code == 0
    assert run("order", "buy", stock, "1").exit_code == 0
    assert run("keys", "list").exit_code == 1, "a key may not look at keys"


def test_all_help_is_there_without_the_client(run):
    for words in (["--help"], ["order", "buy", "--help"], ["account", "--help"]):
        assert run(*words).exit_code == 0
