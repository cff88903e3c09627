"""Risk as clients see it: limits with an id, the dashboard, alerts and what was said about them.

The engine decides and keeps everything here but one thing: who has acknowledged an alert is state
of the server (`marks.py`). What this room never does: judge an order, compute what a limit is used
by, keep a limit of its own. Start reading at `limits.py`, which turns a rule of the engine's one
policy into a limit and back.
"""
