"""Reads commands about money that is no trade, and about trades that are recorded or undone."""

from collections.abc import Callable
from typing import Any

from twin.amounts import MONEY_SCALE, QUANTITY_MAX, RATE_SCALE
from twin.fields import Fields, is_name
from twin.ids import FILL, number_of
from twin.state import Exchange, malformed, not_found
from twin.trades import Bust, Trade

WHOLE = 10**RATE_SCALE
SETTLEMENT_DAYS_MAX = 10
SIDES = ("buy", "sell")
Reader = Callable[[Fields], dict[str, Any]]


def money(fields: Fields, field: str) -> int:
    """An amount that must be there."""
    return fields.needed(field, MONEY_SCALE, "malformed")


def request_id(fields: Fields) -> str:
    """A request id that must be there."""
    request = fields.request_id()
    if request is None:
        raise malformed("request_id")
    return request


def set_rate(fields: Fields) -> dict[str, Any]:
    """States a rate of exchange."""
    here, there = fields.text("from"), fields.text("to")
    return {"here": here, "there": there, "rate": fields.needed("rate", RATE_SCALE, "malformed")}


def set_margin(fields: Fields) -> dict[str, Any]:
    """Sets what margin accounts must know of an instrument."""
    instrument = fields.instrument()
    shortable = fields.get("shortable") is None or fields.flag("shortable")

    def rate(field: str) -> int | None:
        return fields.decimal(field, RATE_SCALE, "malformed")

    margin = {
        "initial_rate": rate("initial_rate"),
        "maintenance_rate": rate("maintenance_rate"),
        "shortable": shortable,
        "borrow_qty": fields.decimal(
            "borrow_qty", instrument.terms["qty_scale"], "invalid_quantity"
        ),
        "borrow_rate": rate("borrow_rate") or 0,
    }
    rates = (margin["initial_rate"] or 0, margin["maintenance_rate"] or 0)
    if not all(0 <= one <= WHOLE for one in rates):
        raise malformed("initial_rate")
    if not 0 <= margin["borrow_rate"] <= 100 * WHOLE:
        raise malformed("borrow_rate")
    if margin["borrow_qty"] is not None and not 0 <= margin["borrow_qty"] <= QUANTITY_MAX:
        raise malformed("borrow_qty")
    return {"instrument": instrument, "margin": margin}


def set_settlement(fields: Fields) -> dict[str, Any]:
    """Sets after how many trading days the sells of an exchange are settled."""
    exchange: Exchange | None = fields.world.find_exchange(fields.text("exchange"))
    if exchange is None:
        raise malformed("exchange")
    days = fields.integer("days", 0, 2**32 - 1)
    if days > SETTLEMENT_DAYS_MAX:
        raise malformed("days")
    return {"exchange": exchange, "days": days}


def pay(kind: str) -> Reader:
    """Reads a payment of this kind."""

    def read(fields: Fields) -> dict[str, Any]:
        account, transfer = fields.account(), ""
        if kind.startswith("transfer"):
            transfer = fields.text("transfer_id")
            if not is_name(transfer):
                raise malformed("transfer_id")
            request = fields.request_id() or transfer
        else:
            request = request_id(fields)
        return {
            "account": account,
            "kind": kind,
            "transfer": transfer,
            "request": request,
            "currency": fields.maybe_text("currency"),
            "amount": money(fields, "amount"),
        }

    return read


def convert(fields: Fields) -> dict[str, Any]:
    """Money of one currency becomes money of another."""
    return {
        "account": fields.account(),
        "here": fields.text("from"),
        "there": fields.text("to"),
        "amount": money(fields, "amount"),
        "request": request_id(fields),
    }


def reset(fields: Fields) -> dict[str, Any]:
    """An account begins again."""
    return {
        "account": fields.account(),
        "starting_cash": money(fields, "starting_cash"),
        "request": request_id(fields),
    }


RECORDED = ("symbol", "side", "qty", "price", "fee")


def trade(fields: Fields, names: tuple[str, ...] = RECORDED) -> dict[str, Any]:
    """A trade that is recorded."""
    symbol, side, qty, at, fee = names
    account, instrument = fields.account(), fields.instrument(symbol)
    return {
        "trade": Trade(
            account=account,
            instrument=instrument,
            side=fields.word(side, SIDES),
            qty=fields.needed_qty(qty, instrument),
            price=fields.needed_price(at, instrument),
            fee=fields.decimal(fee, MONEY_SCALE, "malformed") or 0,
            request=request_id(fields),
        )
    }


def bust(fields: Fields) -> dict[str, Any]:
    """A fill that is taken back."""
    account, instrument = fields.account(), fields.instrument()
    number = number_of(fields.world.name, FILL, fields.text("fill_id"))
    if number is None:
        raise not_found("fill_id")
    return {
        "bust": Bust(
            fill=number,
            account=account,
            instrument=instrument,
            side=fields.word("side", SIDES),
            qty=fields.needed_qty("qty", instrument),
            notional=money(fields, "notional"),
            fee=money(fields, "fee"),
            realized_pl=money(fields, "realized_pl"),
            request=request_id(fields),
        )
    }


def correct(fields: Fields) -> dict[str, Any]:
    """A fill that is taken back, and what it should have been."""
    wrong = bust(fields)
    other = [name if fields.get(f"new_{name}") is None else f"new_{name}" for name in RECORDED[:2]]
    right = trade(fields, (*other, "new_qty", "new_price", "new_fee"))
    right["trade"].request = f"{wrong['bust'].request}-corrected"
    if not is_name(right["trade"].request):
        raise malformed("request_id")
    return wrong | right


READERS: dict[str, Reader] = {
    "set_rate": set_rate,
    "set_margin": set_margin,
    "set_settlement": set_settlement,
    "deposit": pay("deposit"),
    "withdraw": pay("withdraw"),
    "transfer_in": pay("transfer_in"),
    "transfer_out": pay("transfer_out"),
    "convert": convert,
    "reset": reset,
    "record_trade": trade,
    "bust_trade": bust,
    "correct_trade": correct,
}
