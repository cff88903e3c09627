"""The native REST routes under `/api/v1`: parse, send, reply.

A class per subject, given what it needs, with one method per route. Nothing is decided here but
whose account it is. Start reading at `orders.py`.
"""

PREFIX = "/api/v1"
