"""The tongues of others: APIs that existing clients speak, translated to our own.

A room for each; a dialect parses, translates and answers in its own words. It decides nothing that
the native routes do not decide. Start reading at the room that you want to change.
"""
