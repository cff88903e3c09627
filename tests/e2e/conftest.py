"""A real product and a real browser, started once for a module; a page of its own for each test.

Playwright keeps an event loop running in this thread while it is open, so it must not outlive the
module: the asynchronous tests of others could not run theirs.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from faults.product import Product

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = {"width": 1440, "height": 900}
DIST = Path(__file__).parents[2] / "web" / "dist"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    assert (DIST / "index.html").is_file(), "build the page first: make setup"
    product = Product(tmp_path_factory.mktemp("product") / "data")
    product.start()
    yield product
    product.stop()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser on the PATH, any of: {', '.join(BROWSERS)}")
    browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser, product: Product) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=product.url, viewport=WIDE, color_scheme="dark", reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test when a script of it fails."""
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    assert failures == []
