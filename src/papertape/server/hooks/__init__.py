"""Outgoing webhooks: fills, rejections and alerts, told to addresses of the users.

What is told is read from the read models behind a place that each endpoint remembers, never from
passing messages, so nothing is missed while a server is down; every delivery is in `auth.db` until
it has arrived or was given up. Never follows a redirect, never calls an address inside. Start
reading at `outbox.py`, then `sender.py`.
"""
