"""Who is calling: users, passwords, tokens, and which accounts belong to whom.

It keeps `auth.db`, a file of its own, so that a login never waits for an order. It never knows a
balance: an account here is an id, a world and a name. Start reading at `store.py`.
"""
