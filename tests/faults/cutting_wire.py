"""A wire to PostgreSQL that can be cut at a word of the client: before or after it arrives."""

import contextlib
import selectors
import shutil
import socket
import tempfile
import threading
from pathlib import Path

NAME = ".s.PGSQL.5432"
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
BEGIN = b"Q\x00\x00\x00\x0aBEGIN\x00"


class CuttingWire:
    """Passes bytes between a socket of its own and the server's, until told to cut.

    `cut(word, how)` cuts the connection that says the word next:

    - `before`: the server never hears it, and notices the end;
    - `after`: the server has done it, its answer is lost;
    - `stuck`: the server never hears it and notices nothing, as when a cable is pulled.
    """

    def __init__(self, server_folder: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="papertape-wire-"))
        self._server = str(server_folder / NAME)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / NAME))
        self._listener.listen(16)
        self._cut: tuple[bytes, str] | None = None
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, word: bytes, how: str) -> None:
        self._cut = (word, how)

    @property
    def was_cut(self) -> bool:
        return self._cut is None

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for kept in self._kept:
            kept.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            server.connect(self._server)
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while self._pass_on(client, server, ready):
                pass
        if server not in self._kept:
            server.close()

    def _pass_on(
        self, client: socket.socket, server: socket.socket, ready: selectors.DefaultSelector
    ) -> bool:
        for key, _ in ready.select():
            data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
            if not data:
                return False
            if key.fileobj is client and self._cut and self._cut[0] in data:
                self._end(server, data, self._cut[1])
                return False
            (server if key.fileobj is client else client).sendall(data)
        return True

    def _end(self, server: socket.socket, data: bytes, how: str) -> None:
        if how == "after":
            server.sendall(data)
            server.recv(1 << 16)
        if how == "stuck":
            self._kept.append(server)
        self._cut = None
