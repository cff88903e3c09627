"""Files that hold a secret: made whole or not at all, readable by their owner only."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def ensure_secret(path: Path, content: bytes) -> None:
    """Make the file with the content where there is none; of two processes at once, one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        return
    draft = _draft(path, content)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def replace_secret(path: Path, content: bytes) -> None:
    """Put the content in the file's place; whoever reads meanwhile sees the old or the new one."""
    _draft(path, content).replace(path)


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
