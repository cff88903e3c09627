"""TradingView: alerts that arrive by webhook and become orders.

An alert is written to `auth.db` before it is acknowledged; a worker does the rest, after a restart
too. `alert.py` reads what came, `plan.py` decides which orders bring an account there (both are
pure), `store.py` keeps webhooks, groups and alerts, `desk.py` sends the orders, `routes.py` is the
door. Nothing here decides a rule of the exchange: the floor refuses what it refuses, and the log
says so. Start reading at `routes.py`, then `desk.py`.
"""
