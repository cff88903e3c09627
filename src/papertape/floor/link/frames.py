"""What travels over the link: msgpack, many requests and replies in one message.

    server -> floor   DEALER to ROUTER   [[id, world, command, request_id], ...]  empty: alive?
    floor -> server   ROUTER to DEALER   [floor, [[id, outcome, body], ...]]
    floor -> servers  PUB to SUB         [floor, number, batch]

`floor` is a name that a floor process gives itself at its start, so that a server notices a new
one. `number` counts published batches from 0, so that it notices lost ones.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from papertape.floor.ports import StreamBatch

HEARTBEAT_MS = 300
HEARTBEAT_TIMEOUT_MS = 1_000
SOCKET_PATH_MAX = 100


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One command; `id` is the server's own number for it, `request_id` its caller's."""

    id: int
    world: str
    command: bytes
    request_id: str = ""


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The reply to request `id`."""

    id: int
    outcome: str
    body: bytes


class Answers(msgspec.Struct, frozen=True, array_like=True):
    """Replies of one floor to one server."""

    floor: str
    answers: list[Answer]


class Published(msgspec.Struct, frozen=True, array_like=True):
    """One batch for the streams."""

    floor: str
    number: int
    batch: StreamBatch


encode = msgspec.msgpack.Encoder().encode
decode_requests = msgspec.msgpack.Decoder(list[Request]).decode
decode_answers = msgspec.msgpack.Decoder(Answers).decode
decode_published = msgspec.msgpack.Decoder(Published).decode


@dataclass(frozen=True, slots=True)
class LinkAddresses:
    """Where a floor listens, as ZeroMQ endpoints."""

    ask: str
    stream: str

    @classmethod
    def in_folder(cls, data_dir: Path) -> "LinkAddresses":
        """Sockets in `run/` of a data folder, or in the user's own temporary folder.

        The kernel takes about a hundred bytes of path; a longer one needs the other place, whose
        name follows from the path, so that every process finds it.
        """
        folder = data_dir.resolve() / "run"
        if len(os.fsencode(folder / "stream.sock")) > SOCKET_PATH_MAX:
            name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
            folder = Path(tempfile.gettempdir()) / f"papertape-{os.getuid()}" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder.parent} belongs to another user")
        return cls(f"ipc://{folder}/ask.sock", f"ipc://{folder}/stream.sock")
