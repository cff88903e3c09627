"""Papertape: a stock exchange in a box."""
