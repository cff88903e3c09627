"""The cookie of the page: it holds a refresh token where no script reads it.

It is good for nothing but `/auth/refresh` and `/auth/logout`, travels to those only, and counts
only in requests of the page itself, so another site cannot use it. Everything else takes the access
token, which a browser never sends by itself.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api import PREFIX

NAME = "papertape_login"
_PATH = f"{PREFIX}/auth"


def cookie_of(request: Request) -> str | None:
    """The refresh token in the cookie of a request that our own page sent."""
    return request.cookies.get(NAME) if _is_from_our_page(request) else None


def keep(response: Response, request: Request, refresh_token: str) -> None:
    """Let the browser keep a token until it is closed."""
    response.set_cookie(
        NAME,
        refresh_token,
        path=_PATH,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def forget(response: Response) -> None:
    """Take the cookie away."""
    response.delete_cookie(NAME, path=_PATH, httponly=True, samesite="strict")


def _is_from_our_page(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
