"""A strategy is found in a file by its class name, and what is wrong is said in one sentence."""

import pytest

from papertape.strategies.loading import LoadError, load_strategy

GOOD = """
from papertape.strategies import Strategy
from sizes import SIZE

class Buyer(Strategy):
    size: int = SIZE

class NotOne:
    pass

thing = 5
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "sizes.py").write_text("SIZE = 7\n")
    path = tmp_path / "my_strategy.py"
    path.write_text(GOOD)
    return path


def test_a_class_is_loaded_by_file_and_name_with_its_neighbour_modules(file):
    assert load_strategy(f"{file}:Buyer").size == 7


def test_the_only_strategy_of_a_file_needs_no_name(file):
    assert load_strategy(str(file)).__name__ == "Buyer"


REFUSED = [
    (GOOD, ":Byuer", "there is no class Byuer in my_strategy.py; did you mean Buyer?"),
    (GOOD, ":Xyz", "there is no class Xyz in my_strategy.py"),
    (GOOD, ":NotOne", "NotOne in my_strategy.py is not a Strategy"),
    (GOOD, ":thing", "thing in my_strategy.py is not a Strategy"),
    (GOOD, ":Strategy2", "there is no class Strategy2"),
    ("x = 1\n", "", "there is no Strategy in my_strategy.py"),
    (GOOD + "class B(Strategy): pass\n", "", "several strategies in my_strategy.py; choose one"),
    ("def f(:\n", ":A", "my_strategy.py, line 1: "),
    ("\nimport no_such_thing\n", ":A", "my_strategy.py, line 2: ModuleNotFoundError: No module"),
    ("a = 1\nb = a / 0\n", ":A", "my_strategy.py, line 2: ZeroDivisionError: division by zero"),
]


@pytest.mark.parametrize(("text", "name", "message"), REFUSED)
def test_what_is_wrong_is_said(file, text, name, message):
    file.write_text(text)
    with pytest.raises(LoadError) as refused:
        load_strategy(f"{file}{name}")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LoadError, match=r"there is no strategy file .*no\.py"):
        load_strategy(f"{tmp_path}/no.py:A")
