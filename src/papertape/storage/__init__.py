"""Where a committed turn lives: tape, read models and head in one transaction.

It never decides anything, never changes a row of the tape, and does not know the floor above it.
Start reading at `tables.py` (what is kept), `sqlite/storage.py` (how it is written) and `reads.py`;
`postgres/` is the same for many machines.
"""
