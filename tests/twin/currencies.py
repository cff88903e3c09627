"""Several currencies: stated rates, and what money of one is worth in another."""

from twin.amounts import RATE_SCALE, divide
from twin.state import Account, Instrument, Wallet, World

WHOLE = 10**RATE_SCALE


def rate_between(world: World, here: str, there: str) -> tuple[int, int] | None:
    """The rate as a fraction: as it was stated, else the inverse of the other way round."""
    if (here, there) in world.rates:
        return world.rates[here, there], WHOLE
    if (there, here) in world.rates:
        return WHOLE, world.rates[there, here]
    return None


def convert(world: World, amount: int, here: str, there: str) -> int | None:
    """An amount in another currency, half-even; nothing without a rate."""
    if here == there:
        return amount
    rate = rate_between(world, here, there)
    return None if rate is None else divide(amount * rate[0], rate[1], "half_even")


def in_own(world: World, account: Account, instrument: Instrument, amount: int) -> int:
    """Money of an instrument in the currency of the account; nothing without a rate."""
    return convert(world, amount, instrument.currency, account.currency) or 0


def abroad(world: World, account: Account) -> Wallet:
    """Cash and holds in other currencies, at the stated rates, in that of the account."""
    sums = Wallet()
    for code, wallet in account.wallets.items():
        sums.cash += convert(world, wallet.cash, code, account.currency) or 0
        sums.held += convert(world, wallet.held, code, account.currency) or 0
    return sums
