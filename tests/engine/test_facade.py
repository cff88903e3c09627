"""The facade and the stub say what the compiled module has, no more and no less."""

import ast
import re
from pathlib import Path

import papertape.engine as facade
from papertape.engine import _engine

IMPORTS_IT = re.compile(r"engine\._engine|import _engine")
STUB = Path(facade.__file__).with_name("_engine.pyi")


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("__")}


def stub_names() -> set[str]:
    """Names at the top of the stub: classes, functions, constants."""
    names = set()
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def stub_classes() -> dict[str, ast.ClassDef]:
    body = ast.parse(STUB.read_text()).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


def test_the_stub_names_what_the_module_has() -> None:
    assert stub_names() == public(dir(_engine))


def test_the_stub_has_every_member_of_every_class() -> None:
    for name, node in stub_classes().items():
        if issubclass(getattr(_engine, name), Exception):
            continue
        written = public([part.name for part in node.body if isinstance(part, ast.FunctionDef)])
        assert written == public(vars(getattr(_engine, name))), name


def test_the_facade_exports_what_it_says() -> None:
    assert sorted(facade.__all__) == facade.__all__
    for name in facade.__all__:
        assert getattr(facade, name).__doc__, f"{name} explains itself"


def test_only_the_facade_imports_the_compiled_module() -> None:
    source = STUB.parents[1]
    importers = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if IMPORTS_IT.search(path.read_text())
    }
    assert importers == {"engine/__init__.py"}
