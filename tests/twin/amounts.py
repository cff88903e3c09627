"""Scaled integers: reading, writing, rounding. Nothing here is fast and everything is exact."""

MONEY_SCALE = 6
RATE_SCALE = 9
I64_MAX = 2**63 - 1
I64_MIN = -(2**63)
AMOUNT_MAX = 4 * 10**18
QUANTITY_MAX = 4 * 10**18
PRICE_MAX = 4 * 10**18
ORDER_VALUE_MAX = 10**18


class NotADecimalError(Exception):
    """A text that is no decimal: `too_many_decimals`, or anything else (`invalid`)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def clamp(value: int) -> int:
    """The value, at the nearest bound of 64 bits when it lies outside."""
    return max(I64_MIN, min(I64_MAX, value))


def bounded(amount: int) -> int:
    """An amount that one event can carry."""
    return max(-AMOUNT_MAX, min(AMOUNT_MAX, amount))


def divide(numerator: int, denominator: int, rounding: str) -> int:
    """A rounded quotient: `half_even`, `half_up` (away from zero), `up` (away), `down`."""
    sign = -1 if numerator < 0 else 1
    quotient, rest = divmod(abs(numerator), denominator)
    if rounding == "up":
        moves = rest > 0
    elif rounding == "half_up":
        moves = 2 * rest >= denominator
    elif rounding == "half_even":
        moves = 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
    else:
        moves = False
    return sign * (quotient + moves)


def value_of(price: int, qty: int, scales: int, rounding: str) -> int:
    """What a quantity is worth at a price, as money."""
    if scales >= MONEY_SCALE:
        return divide(price * qty, 10 ** (scales - MONEY_SCALE), rounding)
    return price * qty * 10 ** (MONEY_SCALE - scales)


def price_of(value: int, qty: int, scales: int) -> int:
    """The average price that money for a quantity stands for."""
    if qty == 0:
        return 0
    numerator, denominator = value, qty
    if scales >= MONEY_SCALE:
        numerator *= 10 ** (scales - MONEY_SCALE)
    else:
        denominator *= 10 ** (MONEY_SCALE - scales)
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    return clamp(divide(numerator, denominator, "half_even"))


def parse_decimal(text: str, scale: int) -> int:
    """A decimal text as an integer of the scale; `NotADecimalError` says why it is none."""
    negative = text.startswith("-")
    digits = text[1:] if negative else text
    whole, point, fraction = digits.partition(".")
    fine = whole and (fraction or not point) and len(digits) <= 60
    if not fine or not (whole + fraction).isdigit() or not digits.isascii():
        raise NotADecimalError("invalid")
    fraction = fraction.rstrip("0")
    if len(fraction) > scale:
        raise NotADecimalError("too_many_decimals")
    value = int(whole + fraction.ljust(scale, "0"))
    if value > I64_MAX:
        raise NotADecimalError("invalid")
    return -value if negative else value


def format_decimal(value: int, scale: int, shown: int) -> str:
    """Decimal text with at least `shown` decimals and no needless zeros beyond them."""
    digits = str(abs(value)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], digits[-scale:]) if scale else (digits, "")
    fraction = fraction.rstrip("0").ljust(min(shown, scale), "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def format_money(value: int) -> str:
    """Money: `100000.00`."""
    return format_decimal(value, MONEY_SCALE, 2)


def digits_of_step(step: int, scale: int) -> int:
    """How many decimals a tick needs: 2 for 0.01."""
    while scale > 0 and step % 10 == 0:
        step //= 10
        scale -= 1
    return scale
