"""What FastAPI keeps of applications that ended."""

from fastapi.dependencies import models


def forget_endpoints() -> None:
    """Let the applications that ended go.

    FastAPI keeps how each endpoint is called, for the life of the process; an endpoint is a method,
    and so keeps its whole application, its threads and its floor. A product has one application, a
    run of tests has a thousand.
    """
    for kept in vars(models).values():
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
