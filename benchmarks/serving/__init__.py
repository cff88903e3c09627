"""The server under load: a real product, real sockets, SQLite with synchronous=FULL.

`product.py` starts it and opens accounts, `load.py` is the load itself; the other modules each
measure a family of rows of the targets. The load runs in this process, beside the product, on the
same processors; nothing leaves the machine.
"""

from serving import bodies, floor_alone, orders, restarts, streams


def run() -> list[dict]:
    """All rows of the server."""
    parts = (orders, floor_alone, bodies, streams, restarts)
    return [row for part in parts for row in part.run()]
