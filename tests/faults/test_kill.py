"""A product under load is killed again and again; what was told is there, exactly once."""

import asyncio
import random
from pathlib import Path

import httpx
import pytest

from faults.product import Product, verify
from faults.traders import Trader

ROUNDS = 32
VICTIMS = (*("floor",) * 3, "server", *("floor",) * 3, "all")  # of the rounds, in turn
TRADERS = 6
LOAD_SECONDS = (0.1, 0.7)
SEED = 20261120


@pytest.mark.faults
@pytest.mark.timeout(900)  # a minute and a half on two free cores
async def test_nothing_told_is_lost_or_doubled_by_thirty_two_kills(
    tmp_path: Path, fault_rounds: int | None
) -> None:
    rounds = fault_rounds or ROUNDS
    draw = random.Random(SEED)
    product = Product(tmp_path / "data")
    product.start()
    traders = [Trader(f"trader{number}") for number in range(TRADERS)]
    try:
        async with httpx.AsyncClient(base_url=product.url, timeout=20) as client:
            await asyncio.gather(*[trader.join(client) for trader in traders])
            for number in range(rounds):
                await load_and_kill(product, traders, draw, VICTIMS[number % len(VICTIMS)])
            await asyncio.gather(*[trader.learn(client, draw) for trader in traders])
            counts = await asyncio.gather(*[trader.check(client) for trader in traders])
    finally:
        code = product.stop()
    assert code == 0
    assert sum(counts) > 5 * rounds
    verified = verify(product.data_dir)
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout


async def load_and_kill(
    product: Product, traders: list[Trader], draw: random.Random, victim: str
) -> None:
    """Load for a random moment, kill, start again, and let every trader learn the truth."""
    async with httpx.AsyncClient(base_url=product.url, timeout=20) as client:
        await asyncio.gather(*[trader.stay_logged_in(client) for trader in traders])
        killed = asyncio.Event()
        working = [asyncio.create_task(trader.trade(client, draw, killed)) for trader in traders]
        await asyncio.sleep(draw.uniform(*LOAD_SECONDS))
        if victim == "all":
            await asyncio.to_thread(product.kill_all)
        else:
            product.kill_child(victim)
            await asyncio.sleep(draw.uniform(0.0, 0.3))
        killed.set()
        await asyncio.gather(*working)
    if victim == "all":
        await asyncio.to_thread(product.start)
    async with httpx.AsyncClient(base_url=product.url, timeout=20) as client:
        await asyncio.gather(*[trader.learn(client, draw) for trader in traders])
