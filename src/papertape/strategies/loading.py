"""Finding a strategy class in a Python file, as `papertape backtest FILE.py:Class` names it."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from papertape.strategies.strategy import Strategy


class LoadError(ValueError):
    """The file or the class is not there, or is not a strategy; the message is one sentence."""


def load_strategy(target: str) -> type[Strategy]:
    """Load `FILE.py:Class`, or `FILE.py` when it holds one strategy only; raises `LoadError`."""
    file_name, colon, class_name = target.rpartition(":")
    if not colon or class_name.endswith(".py"):
        file_name, class_name = target, ""
    path = Path(file_name)
    if not path.is_file():
        raise LoadError(f"there is no strategy file {file_name}")
    module = _import_file(path)
    return _named(module, path, class_name) if class_name else _only(module, path)


def _import_file(path: Path) -> ModuleType:
    name = f"papertape_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise LoadError(f"{path.name}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if f.filename == str(path)), None)
        where = f"{path.name}, line {line}" if line else path.name
        raise LoadError(f"{where}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _named(module: ModuleType, path: Path, class_name: str) -> type[Strategy]:
    found = getattr(module, class_name, None)
    if isinstance(found, type) and issubclass(found, Strategy):
        return found
    if found is not None:
        raise LoadError(
            f"{class_name} in {path.name} is not a Strategy; "
            f"write `class {class_name}(Strategy)` with Strategy from papertape.strategies"
        )
    near = get_close_matches(class_name, list(_strategies(module)), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise LoadError(f"there is no class {class_name} in {path.name}{hint}")


def _only(module: ModuleType, path: Path) -> type[Strategy]:
    found = _strategies(module)
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise LoadError(f"there is no Strategy in {path.name}")
    raise LoadError(f"several strategies in {path.name}; choose one: {', '.join(found)}")


def _strategies(module: ModuleType) -> dict[str, type[Strategy]]:
    return {
        name: thing
        for name, thing in vars(module).items()
        if isinstance(thing, type)
        and issubclass(thing, Strategy)
        and thing.__module__ == module.__name__
    }
