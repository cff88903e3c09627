"""Which currencies an account may have."""

from papertape.domain.currencies import ISO_4217
from papertape.server.problems import malformed
from papertape.server.symbols import Symbols


class Currencies:
    """Knows those of ISO 4217, the usual coins, and what instruments of the world are quoted in."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    async def require(self, code: str | None) -> None:
        """Raises `Problem` 422 for what is no currency; None is none of the caller's choice."""
        if code is None or code in ISO_4217 or _is_usual(code):
            return
        if all(item["currency"] != code for item in await self._symbols.instruments()):
            raise malformed(
                f"currency: {code} is no code of ISO 4217, and nothing is quoted in it; "
                "take one such as USD",
                field="currency",
                value=code,
            )


def _is_usual(code: str) -> bool:
    """Whether markets quote it, though ISO 4217 lacks it."""
    from papertape.markets.files.naming import COIN_QUOTES, COINS, FIAT

    return code in FIAT or code in COINS or code in COIN_QUOTES
