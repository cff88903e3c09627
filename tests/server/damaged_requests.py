"""Requests that were good until somebody changed something: far cheaper than generated ones.

What the document shows as an example of a request is taken, names in it are replaced by ones that
there are, and then a few things are damaged: values, names, the text of the body, its type, what
stands in the path, the query and the headers.
"""

import copy
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx

REQUESTS = int(os.environ.get("PAPERTAPE_TEST_DAMAGED", "3"))
"""For each operation; `make soak-server` asks for many more."""

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 0.1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400),
    *("", " ", "0", "-0", "-1", "1", "1.5", "1e5", "1e-400", "0.00000000000000000001", "9" * 400),
    *("NaN", "Infinity", "null", "true", "\x00", "a\nb", "\ud800", "\U0001f4a5", "e\u0301"),
    *("a" * 129, "a" * 10_000, "../..", "%2e%2e", "<b>", "' OR 1=1 --", "${x}", "*", ",", "a,b"),
    *("2026-11-28", "2026-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999999Z"),
    *("2026-11-28T10:00:00", "2026-11-28T10:00:00+23:59", "1970-01-01T00:00:00Z", "1700000000"),
    *("ACME0", "acme0", "BTC/USD", "BTCUSD", "USD", "JPY", "buy", "sell", "market", "limit"),
    *("day", "gtc", "open", "closed", "all", "asc", "desc", "1Min", "1Day", "1m", "XTST"),
    *([], {}, [[]], [None], {"": ""}, [{}] * 3, ["ACME0"] * 300, {"a": {"b": {"c": []}}}),
]
TYPES = ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "a/b; c=", "é"]
UNKNOWN = ["x", "Symbol", "account_id[]", "limit", "cursor", "__proto__"]


@dataclass(frozen=True)
class Damaged:
    """A request as it is sent."""

    method: str
    url: str
    headers: dict[str, str | bytes]
    content: bytes | None

    def send(
        self, client: httpx.Client, base: str, credentials: Mapping[str, str]
    ) -> httpx.Response:
        return client.request(
            self.method,
            base + self.url,
            content=self.content,
            headers={**self.headers, **credentials},
        )


def damaged(
    name: str, operation: dict[str, Any], known: Mapping[str, str], count: int = REQUESTS
) -> Iterator[Damaged]:
    """Requests for one operation (`GET /path/{id}`), the same in each run."""
    draw = random.Random(name)
    method, path = name.split(" ", 1)
    for _ in range(count):
        by_place = _parameters(operation, known, draw)
        for parameter, value in by_place["path"]:
            # A slash in it would name another path.
            path_text = quote(value.replace("/", "-").encode("utf-8", "replace"), safe="") or "x"
            path = path.replace(f"{{{parameter}}}", path_text)
        query = urlencode(by_place["query"], errors="replace")
        headers = {key: value.encode("utf-8", "replace") for key, value in by_place["header"]}
        content = _body(operation, known, draw)
        if content is not None:
            headers["Content-Type"] = draw.choice([TYPES[0]] * 20 + TYPES).encode()
        yield Damaged(method, path + ("?" + query if query else ""), headers, content)
        path = name.split(" ", 1)[1]


def _parameters(
    operation: dict[str, Any], known: Mapping[str, str], draw: random.Random
) -> dict[str, list[tuple[str, str]]]:
    by_place: dict[str, list[tuple[str, str]]] = {"path": [], "query": [], "header": []}
    for parameter in operation.get("parameters", ()):
        place, name = parameter["in"], parameter["name"]
        if place == "path" or parameter["required"] or draw.random() < 0.4:
            good = known.get(name) or str(parameter.get("example", "x"))
            value = good if draw.random() < 0.6 else _text(draw.choice(VALUES))
            by_place[place].append((name, _line(value) if place == "header" else value))
    if draw.random() < 0.1:
        by_place["query"].append((draw.choice(UNKNOWN), _text(draw.choice(VALUES))))
    if by_place["query"] and draw.random() < 0.1:
        by_place["query"].append(draw.choice(by_place["query"]))
    return by_place


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:2_000]


def _line(value: str) -> str:
    """What a header can hold at all."""
    return "".join(c for c in value if c.isprintable()).strip()


def _body(operation: dict[str, Any], known: Mapping[str, str], draw: random.Random) -> bytes | None:
    if "requestBody" not in operation:
        return None
    example = operation["requestBody"]["content"]["application/json"]["example"]
    body = copy.deepcopy(example)
    for holder, key in list(_places(body)):
        if key in known and isinstance(holder[key], str):
            holder[key] = known[key]
    for _ in range(draw.choice([0, 1, 1, 1, 2, 3])):
        places = list(_places(body))
        if places:
            holder, key = draw.choice(places)
            draw.choice(OF_A_VALUE)(holder, key, draw)
    content = json.dumps(body).encode()
    return draw.choice(OF_THE_TEXT)(content, draw) if draw.random() < 0.25 else content


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a body that holds a value: who holds it, under which name or number."""
    named = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(named):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _value(draw: random.Random) -> Any:
    """One of its own, since it may be damaged in its turn."""
    return copy.deepcopy(draw.choice(VALUES))


def _replace(holder: Any, key: Any, draw: random.Random) -> None:
    holder[key] = _value(draw)


def _leave_out(holder: Any, key: Any, draw: random.Random) -> None:
    del holder[key]


def _add(holder: Any, key: Any, draw: random.Random) -> None:
    if isinstance(holder, dict):
        holder[draw.choice([*UNKNOWN, f"{key}s", "qty", "symbol"])] = _value(draw)
    else:
        holder.append(_value(draw))


def _wrap(holder: Any, key: Any, draw: random.Random) -> None:
    holder[key] = draw.choice([[holder[key]], {"value": holder[key]}, str(holder[key])])


OF_A_VALUE: list[Callable[[Any, Any, random.Random], None]] = [
    *(_replace, _replace, _replace),
    *(_leave_out, _add, _wrap),
]


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def _flip(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _insert(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content))
    more = draw.choice([b"\x00", b"\xff", b"\xef\xbb\xbf", b",", b'"', b"//", b"NaN", b"1e999"])
    return content[:place] + more + content[place:]


def _twice(content: bytes, draw: random.Random) -> bytes:
    return draw.choice([content + content, content[:-1] + b"," + content[1:], b"[%b]" % content])


def _deep(content: bytes, draw: random.Random) -> bytes:
    return b"[" * 50_000 if draw.random() < 0.5 else b'{"a":' * 5_000 + content + b"}" * 5_000


OF_THE_TEXT: list[Callable[[bytes, random.Random], bytes]] = [_cut, _flip, _insert, _twice, _deep]
