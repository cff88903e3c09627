"""The live stream: private news without a gap, market news conflated, no reader waited for.

`session.py` is the conversation with one client, `hub.py` hands messages out, `reader.py` is what
one client has not read yet, `kept.py` what a client can catch up on, `wire.py` the way past
uvicorn's per-message cost. Start reading at `session.py`.
"""
