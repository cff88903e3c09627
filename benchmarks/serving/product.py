"""A product to measure: started on a free port, with users that have an account each."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = {"PAPERTAPE_LOGIN_ATTEMPTS_PER_MINUTE": "0", "PAPERTAPE_REQUESTS_PER_SECOND": "0"}


@dataclass(frozen=True)
class Trader:
    """A user of the load."""

    token: str
    account_id: str


@dataclass(frozen=True)
class Product:
    """A running product."""

    host: str
    port: int
    process: int

    def call(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        """One request, answered as JSON."""
        request = urllib.request.Request(
            f"http://{self.host}:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def traders(self, count: int) -> list[Trader]:
        """Register users; their first account is opened with them."""
        made = []
        for number in range(count):
            login = {"username": f"load{number}", "password": "load-password"}
            self.call("/api/v1/auth/register", login)
            token = self.call("/api/v1/auth/login", login)["access_token"]
            account = self.call("/api/v1/accounts", token=token)["items"][0]["id"]
            made.append(Trader(token, account))
        return made

    def own_some(self, traders: list["Trader"], symbol: str = "AAPL") -> None:
        """Buy each of them shares, so that a sale that overtakes its purchase is still covered."""
        for trader in traders:
            order = {"symbol": symbol, "side": "buy", "type": "market", "qty": "100"}
            self.call("/api/v1/orders", {"account_id": trader.account_id} | order, trader.token)

    def role(self, name: str) -> int:
        """The process id of the floor or the server."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process), "-f", f"papertape.app {name} "],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(listed.stdout.split()[0])


@contextmanager
def product(data_dir: str | None = None, database_url: str = "") -> Iterator[Product]:
    """Start `papertape up`, give it, end it; the data folder is thrown away unless it is given."""
    database = {"PAPERTAPE_DATABASE_URL": database_url} if database_url else {}
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).parent / "papertape"), "up", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--data-dir", data_dir or folder],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **SETTINGS, **database},
        )
        try:
            yield Product("127.0.0.1", _port(process), process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    found = None
    for line in process.stdout:
        if "http://" in line:
            found = int(line.split("http://")[1].split("/")[0].rpartition(":")[2])
        if "Ctrl-C" in line:
            break
    if found is None:
        raise RuntimeError("the product ended before it was ready")
    return found


def resident_mb(process: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {process} has no memory")


def processor_seconds(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
