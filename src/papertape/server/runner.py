"""Runs an application on a socket with uvicorn, tuned for many small requests and long streams."""

import socket

import uvicorn
from fastapi import FastAPI

from papertape.server.quick import protocols_of

STREAM_MESSAGE_BYTES_MAX = 64 * 1024
"""What a client may send in one message: channel names, never more."""

SEND_BUFFER_BYTES = 256 * 1024
"""Bounds what the kernel holds for a stream client that does not read."""

_SHUTDOWN_WITHIN_S = 3
_KEEP_ALIVE_S = 75
_BACKLOG = 2048


def server_of(
    app: FastAPI, listener: socket.socket, *, trusted_proxies: str = ""
) -> uvicorn.Server:
    """The server for a listening socket; `await server.serve(sockets=[listener])` runs it.

    The application is one of `create_app`. What `X-Forwarded-For` and `X-Forwarded-Proto` say is
    believed from `trusted_proxies` alone, addresses and networks with commas between them. The
    server ends on SIGTERM or SIGINT; open requests get three seconds for it, streams are closed.
    """
    # Accepted connections inherit the size.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    http, streams = protocols_of(app)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=http,
            ws=streams,
            ws_max_size=STREAM_MESSAGE_BYTES_MAX,
            ws_per_message_deflate=False,
            ws_ping_interval=20,
            ws_ping_timeout=60,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies or None,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_WITHIN_S,
        )
    )
