"""The client against the OpenAPI document: nothing lacks that is not said to lack."""

import json
import re
import typing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from client.operations import Operation, operations
from papertape.client import NewOrder
from papertape.client.calls import Page
from papertape.client.talk import PREFIX

DOCUMENT = json.loads((Path(__file__).parents[2] / "web" / "openapi.json").read_text())
DECIMAL = re.compile(r"-?\d+\.\d+")

LEFT_OUT = {
    "/healthz": "for load balancers; it lies outside the API",
    "/readyz": "for load balancers; it lies outside the API",
    "/metrics": "for Prometheus; it lies outside the API",
    "/webhooks/tradingview/": "spoken by TradingView",
    "/api/paper-trading/": "the same functions under short addresses",
    "/api/trades": "`trades` records and corrects in journals, too",
    "/api/v1/exchanges/{exchange}/fees": "`rules.of_exchange` tells the fees, too",
    "/api/v1/instruments/{symbol}/fees": "`rules.of_instrument` tells the fees, too",
}
"""Where paths begin whose operations the client lacks, and why. Dialects have documents of their
own."""


def _documented() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Operation id to method, path and description."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


DOCUMENTED = _documented()
OPERATIONS = list(operations())


def _id_of(operation: Operation) -> str:
    """The operation id of a call; the most special path wins, as in the server's router."""
    path = PREFIX + operation.call.path
    found = [
        (pattern.count("{"), operation_id)
        for operation_id, (method, pattern, _) in DOCUMENTED.items()
        if method == operation.call.method
        and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern)), path)
    ]
    assert found, f"{operation.name} calls {operation.call.method} {path}, which does not exist"
    return min(found)[1]


@pytest.fixture(scope="module")
def ids() -> dict[str, str]:
    return {operation.name: _id_of(operation) for operation in OPERATIONS}


def test_the_client_has_every_operation_but_those_that_are_left_out_for_a_reason(ids):
    lacking = {DOCUMENTED[name][1] for name in set(DOCUMENTED) - set(ids.values())}
    unsaid = [path for path in lacking if not path.startswith(tuple(LEFT_OUT))]
    assert unsaid == [], "add them to papertape.client.groups, or to LEFT_OUT"
    unused = [begin for begin in LEFT_OUT if not any(path.startswith(begin) for path in lacking)]
    assert unused == [], "nothing is left out there (any more)"


LEFT_OUT_MEMBERS = {
    "advanced_instructions": "the server refuses orders that have it",
    "policy_version": "comes with the settings that are read, and is not looked at",
    "time": "another name of at",
    "start": "another name of from",
    "end": "another name of to",
    "cookie": "for browsers",
    "format": "lists have methods of their own that answer CSV",
}


def test_operations_take_every_parameter_and_member_that_the_server_reads(ids):
    given: dict[str, set[str]] = {
        operation_id: set(LEFT_OUT_MEMBERS) for operation_id in ids.values()
    }
    for operation in OPERATIONS:
        call = operation.call
        given[ids[operation.name]] |= {*call.query, *(call.body or {}), *call.headers}
        given[ids[operation.name]] |= {"account_id"} if call.needs_account else set()
    for operation_id, names in given.items():
        assert _read_by_server(DOCUMENTED[operation_id][2]) - names == set(), operation_id


def _read_by_server(described: dict[str, Any]) -> set[str]:
    names = {
        parameter["name"]
        for parameter in described.get("parameters", ())
        if parameter["in"] in {"query", "header"}
    }
    for content in described.get("requestBody", {}).get("content", {}).values():
        names |= set(_schema(content["schema"]).get("properties", ()))
    return names


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_reply_is_typed_with_all_its_members(operation, ids):
    for content in _replies(operation, ids):
        _compare(content["schema"], operation.call.reply, operation.name)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_example_of_a_reply_is_read_with_exact_amounts(operation, ids):
    for content in _replies(operation, ids):
        for example in _examples(content):
            reply = msgspec.json.decode(json.dumps(example), type=operation.call.reply)
            _compare_amounts(example, reply, operation.name)


def _replies(operation: Operation, ids: dict[str, str]) -> list[dict[str, Any]]:
    if operation.call.reply is str:  # a table
        return []
    return [
        reply["content"]["application/json"]
        for status, reply in DOCUMENTED[ids[operation.name]][2]["responses"].items()
        if status < "300" and "application/json" in reply.get("content", {})
    ]


def _examples(content: dict[str, Any]) -> list[Any]:
    return [content["example"]] if "example" in content else list(content.get("examples", ()))


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _compare(schema: dict[str, Any], kind: Any, where: str) -> None:
    """The members of an object, and of the objects in it, are those of its struct."""
    for alternative in schema.get("anyOf", ()):
        _compare(alternative, kind, where)
    schema = _schema(schema)
    if schema.get("type") == "array" and "items" in schema:
        [of_items] = [one for one in _kinds(kind) if _is_list(one)] or [None]
        if of_items is not None:
            _compare(schema["items"], of_items.__args__[0], where)
    if "properties" not in schema:
        return
    [struct] = [one for one in _kinds(kind) if _is_struct(one)]
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    assert set(schema["properties"]) - set(fields) == set(), f"{where}: {struct} lacks them"
    for name, member in schema["properties"].items():
        _compare(member, fields[name], f"{where}.{name}")


def _kinds(kind: Any) -> list[Any]:
    """The alternatives of a type."""
    is_union = getattr(kind, "__origin__", None) is None and hasattr(kind, "__args__")
    return list(kind.__args__) if is_union else [kind]


def _is_struct(kind: Any) -> bool:
    return hasattr(getattr(kind, "__origin__", kind), "__struct_fields__")


def _is_list(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is list


def _compare_amounts(told: Any, read: Any, where: str) -> None:
    if isinstance(told, str) and DECIMAL.fullmatch(told):
        assert read == Decimal(told), where
        assert isinstance(read, Decimal), f"{where} is an amount and is read as text"
    elif isinstance(told, dict) and isinstance(read, msgspec.Struct):
        names = {field.encode_name: field.name for field in msgspec.structs.fields(read)}
        for name, member in told.items():
            _compare_amounts(member, getattr(read, names[name]), f"{where}.{name}")
    elif isinstance(told, list) and isinstance(read, list | tuple):
        for one, other in zip(told, read, strict=True):
            _compare_amounts(one, other, where)


def test_a_page_is_a_page_whatever_is_on_it():
    page = msgspec.json.decode(b'{"items":["1.5"],"next_cursor":null,"more":1}', type=Page[Decimal])
    assert page == Page([Decimal("1.5")], None)


def test_the_words_of_an_order_are_those_of_the_server():
    members = DOCUMENT["components"]["schemas"]["OrderRequest"]["properties"]
    asked = {
        name: _words(typing.get_args(hint))
        for name, hint in typing.get_type_hints(NewOrder).items()
    }
    for name, schema in members.items():
        alternatives = [schema, *schema.get("anyOf", ())]
        told = {word for one in alternatives for word in one.get("enum", ())}
        assert not told or asked[name] == told, name


def _words(arguments: tuple[Any, ...]) -> set[str]:
    """The words of a literal."""
    return {argument for argument in arguments if isinstance(argument, str)}
