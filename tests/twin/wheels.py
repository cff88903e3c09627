"""Who is assigned: all short contracts in a row, the house last, from a place that is drawn."""

from typing import Any

from twin.state import Instrument, World

WORD = 2**64
GOLDEN = 0x9E37_79B9_7F4A_7C15
ASSIGNMENT = 1


def mix(value: int) -> int:
    """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9 % WORD
    value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB % WORD
    return value ^ value >> 31


def drawn(seed: int, draw_id: int, purpose: int, bound: int) -> int:
    """A number from 0 to below the bound; the same question has the same answer."""
    stream = mix((seed + GOLDEN * purpose) % WORD)
    return mix((stream + GOLDEN * (draw_id + 1)) % WORD) * bound >> 64


def open_interest(world: World, instrument: Instrument) -> tuple[int, int]:
    """How many long and short contracts the accounts hold."""
    held = [account.position(instrument).qty for account in world.accounts]
    return sum(max(0, qty) for qty in held), sum(max(0, -qty) for qty in held)


def wheel(world: World, instrument: Instrument, total: int, count: int) -> dict[str, int]:
    """A wheel that stops where chance says, at a whole lot."""
    turn = world.seq + (not world.events)
    draw_id = (turn * 2**20 + instrument.index) % WORD
    place = drawn(world.created["seed"], draw_id, ASSIGNMENT, total)
    start = place // instrument.lot * instrument.lot
    return {"total": total, "count": count, "start": start}


def assigned(work: dict[str, Any], short: int) -> int:
    """How many of the next short contracts are assigned; the row begins again at its front."""
    begin, end = work["passed"], work["passed"] + short
    first, last = work["start"], work["start"] + work["count"]

    def overlap(low: int, high: int) -> int:
        return max(0, min(end, high) - max(begin, low))

    return overlap(first, min(last, work["total"])) + overlap(0, last - work["total"])
