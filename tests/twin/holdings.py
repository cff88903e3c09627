"""What an account holds: positions, their lots, and cash."""

from dataclasses import dataclass


@dataclass
class Position:
    """A holding at average cost; below zero it is short."""

    qty: int = 0
    promised: int = 0
    covering: int = 0
    cost: int = 0
    realized_pl: int = 0

    def closing(self, side: str) -> int:
        """How much a trade of this side closes before it opens the other way."""
        return max(0, self.qty if side == "sell" else -self.qty)

    def free_to_close(self, side: str, own: int = 0) -> int:
        """How much of that no other open order has promised; `own` is the asking order's part."""
        promised = self.promised if side == "sell" else self.covering
        return max(0, self.closing(side) - (promised - own))


@dataclass
class Lot:
    """What one fill opened of a position, as far as it is still there; short: below zero."""

    id: int
    qty: int
    cost: int
    opened_ns: int


@dataclass
class Wallet:
    """Cash in a currency, and how much of it open orders have set aside."""

    cash: int = 0
    held: int = 0
