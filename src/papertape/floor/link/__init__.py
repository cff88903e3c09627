"""The way between servers and a floor, over ZeroMQ.

It carries commands, replies and streams as they are, and says when the floor is gone. It never
reads a command, never retries one, and never answers in the floor's place. Start at `frames.py`.
"""
