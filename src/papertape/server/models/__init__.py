"""What travels over REST: bodies that are checked, and replies that are documented.

Replies of the floor pass through as bytes; their models here describe them for the OpenAPI, and a
test compares them with what really comes. A module per subject; start reading at `base.py`.
"""
