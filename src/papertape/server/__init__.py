"""The edge: HTTP and WebSocket in front of a floor. Parse, authenticate, send, reply; nothing else.

It never decides a rule of the exchange, never computes a balance, and never writes to the
database of the exchange: commands and present figures travel to the floor, all else is dull SQL.
Start reading at `application.py` (what is wired to what), then `api/orders.py` (a command's way).
"""
