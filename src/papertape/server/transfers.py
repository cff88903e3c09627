"""Money from one account of a user to another: out of the one, into the other, both or neither.

The floor takes each half in a turn of its own and knows its id for ever. A transfer is noted in
`auth.db` before it leaves, and whoever finds it under way sends both halves again, which does
nothing the second time. So it arrives also when this process ends in between.
"""

import asyncio

from papertape.floor.ports import Reply
from papertape.server.auth.account_store import AccountStore, Transfer
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange, refusal


async def finish_transfer(exchange: Exchange, store: AccountStore, transfer: Transfer) -> None:
    """Send both halves; raises `Problem` when the floor refuses, and then nothing has moved.

    What `Exchange.send` raises leaves the transfer under way.
    """
    amount = {"amount": transfer.amount, "currency": transfer.currency}
    out = {**amount, "account_id": transfer.from_account_id, "transfer_id": transfer.transfer_id}
    left = await exchange.send("transfer_out", out)
    if _is_refused(left):
        await asyncio.to_thread(store.end_transfer, transfer.transfer_id, arrived=False)
        raise refusal(left)
    into = out | {"account_id": transfer.to_account_id}
    arrived = await exchange.send("transfer_in", into)
    if _is_refused(arrived) and STATUS_OF_OUTCOME.get(arrived.outcome) != 429:
        await exchange.ask("transfer_in", out | {"transfer_id": f"{transfer.transfer_id}-back"})
        await asyncio.to_thread(store.end_transfer, transfer.transfer_id, arrived=False)
    if _is_refused(arrived):
        raise refusal(arrived)
    await asyncio.to_thread(store.end_transfer, transfer.transfer_id, arrived=True)


def _is_refused(reply: Reply) -> bool:
    return STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400
