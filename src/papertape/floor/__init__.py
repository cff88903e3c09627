"""The one write path: the process that runs worlds.

It takes inputs in arrival order, lets the engine decide, commits, and only then answers and
publishes. It never decides a rule itself, never answers before the commit, never repairs a tape.
Start reading at `ports.py` (what it needs from others) and `world_loop.py` (what it does).
"""
