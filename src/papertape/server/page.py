"""The web page: the files that Vite built, and `index.html` for every address inside the page."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from papertape.server.problems import Problem, nothing_at

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"
_FILE_NAME = re.compile(r"\..*|.*\.[a-z][a-z0-9]{1,15}")
"""What names a file and no symbol, as BRK.A is one; the page itself has no such addresses."""

_NOT_BUILT = (
    "Papertape is running, but its page is not built.\n"
    "Run `make setup` in the source folder, then start it again.\n"
    "The API works: see /openapi.json\n"
)
_OF_PROGRAMS = ("/api/", "/assets/", "/alpaca/", "/alpaca-data/", "/webhooks/")
"""Where programs ask, and no page is an answer."""


class Page:
    """Answers whatever no route answers. The files are listed once, so no path leads outside."""

    def __init__(self, folder: Path | None) -> None:
        self._files = _files(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request that no route took."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4404, "reason": "no such stream"})
            return
        request = Request(scope)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path: str = request.scope["path"]  # its escapes are read already
        # A base address that ends with a slash makes two of them.
        is_program = f"/{path.lstrip('/')}/".startswith(_OF_PROGRAMS)
        if request.method not in {"GET", "HEAD"} or is_program:
            return self._file(path) or _nothing_here(request)
        index = self._files.get("/index.html")
        if index is None:
            return PlainTextResponse(_NOT_BUILT) if path == "/" else _nothing_here(request)
        file = self._file(path)
        if file is not None or _names_a_file(path):
            return file or _nothing_here(request)
        return FileResponse(index, headers={"Cache-Control": _ASK_EACH_TIME})

    def _file(self, path: str) -> Response | None:
        file = self._files.get(path)
        if file is None:
            return None
        hashed = path.startswith("/assets/")
        return FileResponse(
            file, headers={"Cache-Control": _FOR_EVER if hashed else _ASK_EACH_TIME}
        )


def _names_a_file(path: str) -> bool:
    """Whether an address looks for a file, or for a way out of the folder."""
    *folders, last = re.split(r"[/\\]", path)
    return any(name.startswith(".") for name in folders) or bool(_FILE_NAME.fullmatch(last))


def _files(folder: Path | None) -> dict[str, Path]:
    if folder is None or not folder.is_dir():
        return {}
    return {
        "/" + file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file()
    }


def _nothing_here(request: Request) -> Response:
    return Problem(404, "not_found", nothing_at(request)).response(request)
