"""The product as its owner starts, stops and administers it: real processes, the real command."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PAPERTAPE = str(Path(sys.executable).parent / "papertape")
START_SECONDS_MAX = 60


class Running:
    """A started product: its address and what it said until it was ready."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [PAPERTAPE, "up", "--port", "0", "--data-dir", str(data_dir), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        self.said = "".join(lines)
        found = re.search(r"http://[^/\s]+", self.said)
        assert found, self.said + (self.process.stderr.read() if self.process.stderr else "")
        self.address = found[0]

    def children(self) -> dict[str, int]:
        """The process ids of the roles."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-a"], capture_output=True, text=True, check=True
        ).stdout
        roles = (re.search(r"^(\d+) .*papertape\.app (\w+)", line) for line in listed.splitlines())
        return {found[2]: int(found[1]) for found in roles if found}

    def client(self, username: str = "ada") -> httpx.Client:
        login = {"username": username, "password": "correct horse"}
        with httpx.Client(base_url=self.address + "/api/v1", timeout=30) as anyone:
            anyone.post("/auth/register", json=login)
            token = anyone.post("/auth/login", json=login).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.address + "/api/v1", headers=headers, timeout=30)

    def stop(self) -> str:
        """End it; what it said on standard error."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.communicate(timeout=30)[1]


@contextlib.contextmanager
def running(data_dir: Path, *options: str) -> Iterator[Running]:
    product = Running(data_dir, *options)
    try:
        yield product
    finally:
        product.stop()


def papertape(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [PAPERTAPE, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=START_SECONDS_MAX, check=False
    )


def is_gone(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def wait_until(holds: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def buy(client: httpx.Client, **fields: str) -> dict[str, Any]:
    account = client.get("/accounts").json()["items"][0]["id"]
    body = {"account_id": account, "symbol": "AAPL", "side": "buy", "type": "market", "qty": "3"}
    reply = client.post("/orders", json=body | fields)
    assert reply.status_code == 201, reply.text
    return reply.json()


def picture(client: httpx.Client) -> dict[str, Any]:
    """Everything that must be there again after a restart."""
    account = client.get("/accounts").json()["items"][0]["id"]
    lists = {"orders": {"status": "all"}, "fills": {}, "ledger": {}}
    seen: dict[str, Any] = {
        name: client.get(f"/accounts/{account}/{name}", params=asked).json()["items"]
        for name, asked in lists.items()
    }
    for order in seen["orders"]:
        del order["as_of_seq"]  # when it was read, not what it is
    return seen | {"cash": client.get(f"/accounts/{account}").json()["cash"]}


def test_the_first_start_says_where_it_is_and_who_may_log_in(tmp_path):
    with running(tmp_path / "data") as product:
        assert product.said.count("Demo login: demo / papertape-demo\n") == 1
        password = re.search(r"admin / (\S+)", product.said)[1]
        login = {"username": "admin", "password": password}
        token = httpx.post(product.address + "/api/v1/auth/login", json=login).json()
        me = httpx.get(
            product.address + "/api/v1/me",
            headers={"Authorization": f"Bearer {token['access_token']}"},
        )
        assert me.json()["role"] == "admin"
    with running(tmp_path / "data") as product:
        assert "admin" not in product.said


def test_everything_is_where_it_was_after_all_processes_were_killed(tmp_path):
    with running(tmp_path) as product, product.client() as client:
        assert buy(client)["status"] == "filled"
        assert buy(client, type="limit", limit_price="1.00")["status"] == "new"
        before = picture(client)
        pids = [product.process.pid, *product.children().values()]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(is_gone(pid) for pid in pids[1:]))
    with running(tmp_path) as product, product.client() as client:
        assert picture(client) == before
    assert papertape("verify", "--data-dir", str(tmp_path)).returncode == 0


def test_tokens_outlive_a_restart(tmp_path):
    with running(tmp_path) as product, product.client() as client:
        header = client.headers["Authorization"]
    with running(tmp_path) as product:
        me = httpx.get(product.address + "/api/v1/me", headers={"Authorization": header})
        assert me.json()["username"] == "ada"


def test_no_child_outlives_a_killed_parent(tmp_path):
    with running(tmp_path) as product:
        children = product.children()
        assert set(children) == {"floor", "follower", "server"}
        product.process.kill()
        wait_until(lambda: all(is_gone(pid) for pid in children.values()))


def test_a_killed_floor_comes_back_and_the_page_s_token_still_trades(tmp_path):
    with running(tmp_path) as product, product.client() as client:
        buy(client)
        os.kill(product.children()["floor"], signal.SIGKILL)
        wait_until(lambda: client.get("/accounts").status_code == 200)
        wait_until(lambda: client.get("/market/AAPL/quote").json().get("bid"))
        assert buy(client)["status"] == "filled"


def test_sigterm_ends_all_processes_cleanly(tmp_path):
    with running(tmp_path) as product:
        children = product.children()
        product.process.terminate()
        assert product.process.wait(30) == 0
        assert all(is_gone(pid) for pid in children.values())


def test_on_another_host_than_loopback_there_is_no_demo(tmp_path):
    with running(tmp_path):
        pass
    with running(tmp_path, "--host", "0.0.0.0") as product:
        assert "demo" not in product.said
        address = product.address.replace("0.0.0.0", "127.0.0.1")
        login = {"username": "demo", "password": "papertape-demo"}
        assert httpx.post(address + "/api/v1/auth/login", json=login).status_code == 401


def test_users_of_before_who_have_the_products_names_do_not_keep_it_from_starting(tmp_path):
    from papertape.server.auth.store import AuthStore

    auth = AuthStore(tmp_path / "auth.db")
    for name in ("nimda", "omed"):
        auth.create_user(name, "correct horse")
    auth.close()
    with sqlite3.connect(tmp_path / "auth.db") as connection:
        for name in ("nimda", "omed"):
            row = (name[::-1], name[::-1], name)
            connection.execute("UPDATE users SET username=?, username_key=? WHERE username=?", row)
    connection.close()
    with running(tmp_path) as product:
        assert "Demo login" not in product.said
        assert "admin /" not in product.said
        assert httpx.get(product.address + "/api/v1/demo").status_code == 404
        login = {"username": "demo", "password": "correct horse"}
        assert httpx.post(product.address + "/api/v1/auth/login", json=login).status_code == 200
        warnings = [line for line in product.stop().splitlines() if line.startswith("papertape:")]
    assert [("demo" in line, "admin" in line) for line in warnings] == [
        (False, True),
        (True, False),
    ]


def test_a_replay_is_a_world_of_its_own(tmp_path):
    bars = ["time,open,high,low,close,volume"]
    bars += [f"2024-01-{day:02},10.00,10.50,9.50,10.{day:02},1000" for day in range(1, 29)]
    file = tmp_path / "WIDGET-1d.csv"
    file.write_text("\n".join(bars) + "\n")
    with running(tmp_path / "data") as product, product.client() as client:
        usual = client.get("/accounts").json()["items"][0]["id"]
        buy(client)
    with (
        running(tmp_path / "data", "--replay", str(file)) as product,
        product.client() as client,
    ):
        account = client.get("/accounts").json()["items"][0]
        assert account["id"] != usual
        assert account["cash"] == "100000.00"
        assert [item["symbol"] for item in client.get("/instruments").json()["items"]] == ["WIDGET"]
        filled = buy(client, symbol="WIDGET")
        assert filled["status"] == "filled"
        assert filled["created_at"].startswith("2024-01-")
    with running(tmp_path / "data") as product, product.client() as client:
        assert client.get("/accounts").json()["items"][0]["id"] == usual


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "70000"], "--port: Input should be less than or equal to 65535 (got 70000)"),
        (["--speed", "0"], "--speed: Input should be greater than 0 (got 0.0)"),
        (["--seed", "-1"], "--seed: Input should be greater than or equal to 0 (got -1)"),
        (["--symbol", "AAPL"], "--symbol names the instrument of a --replay FILE"),
        (["--replay", "nowhere.csv"], "--replay: there is no file"),
        (["--data-dir", "/dev/null/data"], "--data-dir: cannot make"),
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1"),
    ],
)
def test_a_bad_option_is_one_line_that_names_it(tmp_path, options, said):
    if "--data-dir" not in options:
        options = [*options, "--data-dir", str(tmp_path)]
    ended = papertape("up", *options)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = papertape("up", "--port", port, "--data-dir", str(tmp_path))
    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_a_broken_replay_file_is_refused_with_line_and_reason(tmp_path):
    file = tmp_path / "WIDGET-1d.csv"
    file.write_text("time,open,high,low,close,volume\n2024-01-01,10,9,11,10,1\n")
    ended = papertape("up", "--replay", str(file), "--data-dir", str(tmp_path / "data"))
    assert ended.returncode == 2
    assert "WIDGET-1d.csv" in ended.stderr
    assert "line 2" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_products_do_not_share_a_data_folder(tmp_path):
    with running(tmp_path):
        ended = papertape("up", "--port", "0", "--data-dir", str(tmp_path))
        assert ended.returncode == 1
        assert str(tmp_path) in ended.stderr
        verified = papertape("verify", "--data-dir", str(tmp_path))
        assert verified.returncode == 2
        assert "Traceback" not in ended.stderr + verified.stderr


def test_a_world_keeps_the_sharing_that_it_was_made_with(tmp_path):
    with running(tmp_path, "--sharing", "isolated") as product, product.client() as client:
        filled = buy(client)
        assert filled["status"] == "filled"
        fills = client.get(f"/accounts/{filled['account_id']}/fills").json()["items"]
        assert {fill["counterparty"] for fill in fills} == {"house"}
    ended = papertape("up", "--port", "0", "--data-dir", str(tmp_path))
    assert ended.returncode == 1
    assert "made with another sharing (the world is isolated and stays so)" in ended.stderr
    assert "Traceback" not in ended.stderr
    with running(tmp_path, "--sharing", "isolated") as product, product.client() as client:
        assert client.get(f"/orders/{filled['id']}").json()["status"] == "filled"


def test_logs_are_json_when_asked_and_name_the_request_in_all_processes(tmp_path):
    with running(tmp_path, "--log-json", "--log-level", "debug") as product:
        with product.client() as client:
            account = client.get("/accounts").json()["items"][0]["id"]
            order = {"account_id": account, "side": "buy", "type": "market", "qty": "1"}
            order["symbol"] = client.get("/instruments").json()["items"][0]["symbol"]
            sent = client.post("/orders", json=order, headers={"X-Request-Id": "trace-me"})
            assert sent.headers["X-Request-Id"] == "trace-me"
            address = client.base_url.copy_with(scheme="ws").join("stream")
            with connect(str(address), compression=None) as stream:
                stream.send('{"action":"auth","token":"for-nobody-to-see"}')
                with contextlib.suppress(ConnectionClosed):
                    stream.recv()
        said = product.stop()
    assert "for-nobody-to-see" not in said
    entries = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {"floor", "server"} <= {entry["process"] for entry in entries}
    assert all({"event", "level", "timestamp"} <= set(entry) for entry in entries)
    traced = {entry["process"] for entry in entries if entry.get("request_id") == "trace-me"}
    assert "floor" in traced, "the floor took the command and does not say whose it was"


# --- papertape user ------------------------------------------------------------------------------


def user(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return papertape("user", *arguments, "--data-dir", str(data_dir))


def test_users_are_made_promoted_and_given_new_passwords(tmp_path):
    made = user(tmp_path, "create", "grace", "--role", "instructor")
    assert made.returncode == 0
    password = re.search(r"instructor grace / (\S+)", made.stdout)[1]
    assert user(tmp_path, "set-role", "grace", "admin").stdout == "grace is now admin\n"
    renewed = user(tmp_path, "reset-password", "grace")
    assert password not in renewed.stdout
    assert user(tmp_path, "reset-password", "grace", "--password", "another horse").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "ada"], "the name ada is taken"),
        (["create", "bob", "--password", "short"], "10"),
        (["create", "demo"], "demo is the name of a user that the product makes itself"),
        (["create", "Admin"], "Admin is the name of a user that the product makes itself"),
        (["create", "a b"], "a name has 1 to 64 letters"),
        (["reset-password", "demo"], "the password of demo is public"),
        (["create", "bob", "--role", "king"], "no role is called king; use one of user"),
        (["set-role", "nobody", "admin"], "there is no user 'nobody'"),
        (["reset-password", "nobody"], "there is no user 'nobody'"),
        (["set-role", "demo", "admin"], "demo"),
    ],
)
def test_what_cannot_be_done_to_a_user_is_said_in_a_line(tmp_path, arguments, said):
    from papertape.server.auth.store import AuthStore

    auth = AuthStore(tmp_path / "auth.db")
    auth.ensure_demo()
    auth.create_user("ada", "correct horse")
    auth.close()
    ended = user(tmp_path, *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_users_of_a_folder_that_is_not_there_are_not_made(tmp_path):
    ended = user(tmp_path / "nowhere", "create", "ada")
    assert ended.returncode == 2
    assert "there is no folder" in ended.stderr
