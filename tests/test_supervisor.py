"""The supervisor with real processes: start, fall, final exit, signals, a killed parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

PARENT = """
import sys
from papertape.supervisor import Child, Supervisor
import os
command = [sys.executable, "-c"]
children = [Child(name, [*command, code, str(os.getpid())]) for name, code in {children!r}]
sys.exit(Supervisor(children).run(lambda: print("all ready", flush=True)))
"""

CHILD = """
import os, signal, sys, time
from papertape.supervisor import say_ready, stay_with_parent
stay_with_parent(int(sys.argv[1]))
name, log = {name!r}, {log!r}
def end(*_):
    open(log, "a").write(f"{{name}} ended\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
open(log, "a").write(f"{{name}} {{os.getpid()}}\\n")
{body}
"""

SERVES = "say_ready()\ntime.sleep(60)"
ENDS_BESIDE_THE_FLOOR = """
while "floor" not in open(log).read():
    time.sleep(0.01)
sys.exit(78)
"""


class Product:
    """A parent with scripted children, and what they wrote down."""

    def __init__(self, folder: Path, bodies: dict[str, str]) -> None:
        self.log = folder / "log"
        self.log.touch()
        children = [
            (name, textwrap.dedent(CHILD).format(name=name, log=str(self.log), body=body))
            for name, body in bodies.items()
        ]
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT.format(children=children)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> None:
        assert self.parent.stdout is not None
        assert self.parent.stdout.readline() == "all ready\n"

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def pid(self, name: str) -> int:
        return int([line for line in self.lines() if line.startswith(f"{name} ")][-1].split()[1])

    def wait_for_lines(self, count: int) -> list[str]:
        deadline = time.monotonic() + 20
        while len(self.lines()) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.lines()) >= count, self.lines()
        return self.lines()


@pytest.fixture
def product(tmp_path, request):
    made = Product(tmp_path, request.param)
    yield made
    made.parent.kill()
    made.parent.communicate()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


TWO = {"floor": SERVES, "server": SERVES}


@pytest.mark.parametrize("product", [TWO], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_children_in_reverse_order_of_start(product, number):
    product.wait_ready()
    product.parent.send_signal(number)
    assert product.parent.wait(20) == 0
    assert product.lines()[-2:] == ["server ended", "floor ended"]


@pytest.mark.parametrize("product", [TWO], indirect=True)
def test_children_of_a_killed_parent_end_too(product):
    product.wait_ready()
    children = [product.pid("floor"), product.pid("server")]
    product.parent.kill()
    assert all(gone(pid) for pid in children)


@pytest.mark.parametrize("product", [TWO], indirect=True)
def test_a_child_that_serves_is_started_again_however_often_it_is_killed(product):
    product.wait_ready()
    for fall in range(8):
        os.kill(product.pid("floor"), signal.SIGKILL)
        product.wait_for_lines(3 + fall)
        time.sleep(0.05)
    assert product.parent.poll() is None


@pytest.mark.parametrize(
    "product", [{"floor": SERVES, "server": ENDS_BESIDE_THE_FLOOR}], indirect=True
)
def test_a_final_exit_ends_the_product(product):
    assert product.parent.wait(20) == 1
    assert product.lines()[-1] == "floor ended"


@pytest.mark.parametrize("product", [{"floor": "sys.exit(3)"}], indirect=True)
def test_a_child_that_never_serves_is_given_up(product):
    _, said = product.parent.communicate(timeout=30)
    assert product.parent.returncode == 1
    assert "floor fell 6 times at start, giving up" in said
    assert "exit code 3" in said
