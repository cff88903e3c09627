"""Value types and vocabulary that every room shares: the tape's rows, decimal text, time text.

It never does I/O and knows no room above it. Start reading at `tape.py`.
"""
