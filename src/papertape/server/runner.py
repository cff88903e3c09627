"""Runs an application on a socket with uvicorn, tuned for many small requests and long streams."""

import socket

import uvicorn
from starlette.types import ASGIApp

from papertape.server.stream.wire import StreamProtocol

STREAM_MESSAGE_BYTES_MAX = 64 * 1024
"""What a client may send in one message: channel names, never more."""

SEND_BUFFER_BYTES = 256 * 1024
"""Bounds what the kernel holds for a stream client that does not read."""

_SHUTDOWN_WITHIN_S = 3
_KEEP_ALIVE_S = 75
_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def run_server(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; open requests get three seconds to end."""
    server_of(app, listener).run(sockets=[listener])


def server_of(app: ASGIApp, listener: socket.socket) -> uvicorn.Server:
    """The server, for those who run the event loop themselves."""
    # Accepted connections inherit the size.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop=_loop(),
            http="httptools",
            ws=StreamProtocol,
            ws_max_size=STREAM_MESSAGE_BYTES_MAX,
            ws_per_message_deflate=False,
            ws_ping_interval=20,
            ws_ping_timeout=60,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_WITHIN_S,
        )
    )


def _loop() -> str:
    """The name of uvloop where it exists (it does not on Windows)."""
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return "asyncio"
    return "uvloop"
