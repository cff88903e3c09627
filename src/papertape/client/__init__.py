"""The typed client of Papertape's own API, for programs that wait and for those on an event loop.

    from papertape.client import Client

    with Client("http://127.0.0.1:8000", key_id=..., secret=...) as client:
        order = client.orders.buy("AAPL", 10, limit_price="190.50")
        for message in client.stream("orders", "quotes:AAPL"):
            print(message.data)

What it does: sends, repeats where a repeat is safe, types what comes back, keeps streams whole.
What it never does: reads settings, decides a rule of the exchange, touches a float for an amount.
Start reading at `calls.py` (an operation, described once for both clients), then `talk.py` (what is
repeated), `conversation.py` (a stream without gaps).
"""

from papertape.client.calls import Amount, Instant, Moment, Page
from papertape.client.client import AsyncClient, Client
from papertape.client.errors import (
    BadReplyError,
    ConflictError,
    NotAcceptedError,
    NotAuthenticatedError,
    NotFoundError,
    NotPermittedError,
    OutcomeUnknownError,
    PapertapeError,
    ProblemError,
    RefusedError,
    ServerFaultError,
    TooManyRequestsError,
    UnreachableError,
)
from papertape.client.groups.orders import NewOrder
from papertape.client.replies.news import Message
from papertape.client.stream import AsyncStream, Stream

__all__ = [
    "Amount",
    "AsyncClient",
    "AsyncStream",
    "BadReplyError",
    "Client",
    "ConflictError",
    "Instant",
    "Message",
    "Moment",
    "NewOrder",
    "NotAcceptedError",
    "NotAuthenticatedError",
    "NotFoundError",
    "NotPermittedError",
    "OutcomeUnknownError",
    "Page",
    "PapertapeError",
    "ProblemError",
    "RefusedError",
    "ServerFaultError",
    "Stream",
    "TooManyRequestsError",
    "UnreachableError",
]
