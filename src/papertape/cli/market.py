"""`papertape quote`, `book`, `bars`, `instruments`, `watch`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from papertape.cli.connection import AsJson, Url, connected
from papertape.cli.showing import show, show_json, show_rows, table_of

if TYPE_CHECKING:
    from papertape.client import Message
    from papertape.client.replies.market import Book, Print, Quote

Symbols = Annotated[list[str], typer.Argument(metavar="SYMBOL...")]

_QUOTED = ("symbol", "bid_size", "bid", "ask", "ask_size", "last", "time")


def quote(symbols: Symbols, url: Url = None, as_json: AsJson = False) -> None:
    """Show the best prices now."""
    with connected(url, as_json) as client:
        quotes = [client.market.quote(symbol) for symbol in symbols]
        if as_json:
            show_json(quotes)
        else:
            show_rows(quotes, _QUOTED, none="")


def book(
    symbol: str,
    depth: Annotated[int, typer.Option(min=1, max=100, help="Levels of each side.")] = 10,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the order book."""
    with connected(url, as_json) as client:
        levels = client.market.book(symbol, depth)
        if as_json:
            show_json(levels)
        else:
            show(table_of(_side_by_side(levels), ("orders", "bid size", "bid", *_ASKED)))


_ASKED = ("ask", "ask size", "orders")


def _side_by_side(book: "Book") -> Iterator[list[Any]]:
    for row in range(max(len(book.bids), len(book.asks))):
        bid = [*reversed(book.bids[row])] if row < len(book.bids) else ["", "", ""]
        ask = [*book.asks[row]] if row < len(book.asks) else ["", "", ""]
        yield [*bid, *ask]


def bars(
    symbol: str,
    timeframe: Annotated[
        Literal["1m", "5m", "15m", "1h", "1d"], typer.Option(help="Length of a bar.")
    ] = "1m",
    start: Annotated[str | None, typer.Option(help="A time (RFC 3339) or a date.")] = None,
    end: Annotated[str | None, typer.Option(help="A time (RFC 3339) or a date.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most bars.")] = 30,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List bars, the oldest first."""
    with connected(url, as_json) as client:
        page = client.market.bars_page(symbol, timeframe, start=start, end=end, limit=limit)
        found = page.items
        if as_json:
            show_json(found)
        else:
            show_rows(found, ("time", "open", "high", "low", "close", "volume"), none="no bars")


def instruments(
    query: Annotated[str, typer.Argument(help="A part of symbols or names.")] = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List what can be traded."""
    with connected(url, as_json) as client:
        found = list(client.market.instruments(query))
        if as_json:
            show_json(found)
            return
        columns = ("symbol", "name", "asset_class", "exchange", "currency", "tick_size", "status")
        show_rows(found, columns, none="no instruments")


def watch(
    symbols: Symbols,
    count: Annotated[
        int | None, typer.Option(min=1, help="End after so many messages; else at Ctrl-C.")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Your own orders and fills too.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Watch quotes and trades as they happen; with `--json` a message a line."""
    with connected(url, as_json) as client:
        names = [client.market.quote(symbol).symbol for symbol in symbols]
        channels = [f"{kind}:{name}" for name in names for kind in ("quotes", "trades")]
        with client.stream(*channels, *(("orders", "fills") if mine else ())) as stream:
            try:
                for number, message in enumerate(stream, start=1):
                    _print(message, as_json)
                    if number == count:
                        return
            except KeyboardInterrupt:
                raise typer.Exit(130) from None


def _print(message: "Message", as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(message))
        return
    for line in _lines(message):
        typer.echo(line)


def _lines(message: "Message") -> Iterator[str]:
    """A message in lines for people; a state is told one item a line."""
    from papertape.client.replies.accounts import Fill
    from papertape.client.replies.market import Print, Quote
    from papertape.client.replies.orders import Order

    for item in message.data if isinstance(message.data, list) else [message.data]:
        match item:
            case Quote():
                yield _quote_line(item)
            case Print():
                yield _print_line(item)
            case Order():
                yield f"order  {item.symbol}  {item.side} {item.qty:f}  {item.status}  {item.id}"
            case Fill():
                yield f"fill   {item.symbol}  {item.side} {item.qty:f} at {item.price:f}"


def _quote_line(quote: "Quote") -> str:
    def level(size: Any, price: Any) -> str:
        return "-" if price is None else f"{price:f} x {size:f}"

    bid, ask = level(quote.bid_size, quote.bid), level(quote.ask_size, quote.ask)
    return f"quote  {quote.symbol}  {bid}  |  {ask}"


def _print_line(trade: "Print") -> str:
    side = f"  {trade.side}" if trade.side else ""
    return f"trade  {trade.symbol}  {trade.qty:f} at {trade.price:f}{side}"
