"""Queries that narrow lists of orders and trades, and the columns of these lists as CSV."""

import re
from typing import Annotated, get_args

from fastapi import Query

from papertape.server.api.moments import FromMoment, ToMoment, end_moment, moment
from papertape.server.models.base import OrderStatus, OrderType, Side
from papertape.server.order_history import OrderSearch, TradeSearch
from papertape.server.problems import malformed
from papertape.storage.reads import ORDER_FILTERS

_STATUSES = get_args(OrderStatus)
_TYPES = get_args(OrderType)

_LIMIT = 100
_COMMON = re.compile(
    rb"(?:status=(open|closed|all)(?:&limit=([1-9][0-9]{0,2}))?|limit=([1-9][0-9]{0,2}))?"
)

ORDER_COLUMNS = (
    "id",
    "client_order_id",
    "symbol",
    "side",
    "type",
    "time_in_force",
    "qty",
    "filled_qty",
    "filled_avg_price",
    "limit_price",
    "stop_price",
    "status",
    "reason",
    "order_class",
    "parent_id",
    "strategy",
    "tags",
    "created_at",
    "updated_at",
    "account_id",
)
TRADE_COLUMNS = (
    "id",
    "order_id",
    "time",
    "symbol",
    "side",
    "qty",
    "price",
    "notional",
    "fee",
    "realized_pl",
    "liquidity",
    "counterparty",
    "strategy",
    "tags",
    "note",
    "seq",
    "account_id",
)

SymbolName = Annotated[str | None, Query(max_length=24, description="of this instrument only")]


def order_search(
    status: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=r"^[a-z_,]+$",
            description="open, closed or all; or statuses with commas between them. Left out: all "
            "where strategy, tag, from or to ask for the past, else open",
            examples=["filled,canceled"],
        ),
    ] = None,
    symbol: SymbolName = None,
    side: Side | None = None,
    type: Annotated[  # noqa: A002 - the name on the wire
        str | None,
        Query(
            max_length=200,
            pattern=r"^[a-z_,]+$",
            description="order types with commas between them",
            examples=["limit"],
        ),
    ] = None,
    strategy: Annotated[str | None, Query(max_length=64)] = None,
    tag: Annotated[str | None, Query(max_length=32)] = None,
    from_: FromMoment = None,
    to: ToMoment = None,
) -> OrderSearch:
    """The orders that a query asks for; raises `Problem` 422."""
    if status is None:
        is_history = any(one is not None for one in (strategy, tag, from_, to))
        status = "all" if is_history else "open"
    is_group = status in ORDER_FILTERS
    return OrderSearch(
        status=status if is_group else "all",
        statuses=() if is_group else _words("status", status, (*ORDER_FILTERS, *_STATUSES)),
        symbol=symbol,
        side=side,
        types=() if type is None else _words("type", type, _TYPES),
        strategy=strategy,
        tag=tag,
        from_ns=moment("from", from_),
        to_ns=end_moment("to", to),
    )


def common_search(query: bytes) -> tuple[OrderSearch, int] | None:
    """The same, and the limit, of a query that says `status` and `limit` in plain words or not.

    None for all others, also for what is wrong.
    """
    found = _COMMON.fullmatch(query)
    if found is None:
        return None
    status, *limits = found.groups()
    limit = next((int(one) for one in limits if one), _LIMIT)
    return OrderSearch(status=status.decode() if status else "open"), limit


def trade_search(
    symbol: SymbolName = None,
    side: Side | None = None,
    order_id: Annotated[str | None, Query(max_length=36, description="fills of this order")] = None,
    from_: FromMoment = None,
    to: ToMoment = None,
    start: Annotated[str | None, Query(max_length=40, description="another name of from")] = None,
    end: Annotated[str | None, Query(max_length=40, description="another name of to")] = None,
) -> TradeSearch:
    """The trades that a query asks for; raises `Problem` 422."""
    return TradeSearch(
        symbol=symbol,
        side=side,
        order_id=order_id,
        from_ns=moment("from", from_) if from_ is not None else moment("start", start),
        to_ns=end_moment("to", to) if to is not None else end_moment("end", end),
    )


def _words(field: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(text.split(","))
    for word in words:
        if word not in known or (len(words) > 1 and word in ORDER_FILTERS):
            raise malformed(
                f"{field}: {word or 'nothing'} is none of {', '.join(known)}",
                field=field,
                value=text,
            )
    return words
