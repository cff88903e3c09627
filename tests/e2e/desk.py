"""The desk as a visitor uses it: by names and labels, never by the inside of the page."""

import secrets
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

SCREENS = Path(__file__).parents[2] / "test-results"
PASSWORD = "correct horse battery"


def register(page: Page) -> str:
    """Make a login on the first screen; returns its name once the desk is live."""
    name = f"visitor-{secrets.token_hex(4)}"
    page.goto("/")
    page.get_by_role("button", name="Create a login").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create login").click()
    wait_until_live(page)
    return name


def wait_until_live(page: Page) -> None:
    """The stream is connected and the account is known."""
    expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    expect(account(page)).to_contain_text("100,000.00" if is_new(page) else "Cash")


def is_new(page: Page) -> bool:
    return page.get_by_label("First steps").count() > 0


def account(page: Page) -> Locator:
    return page.get_by_label("Account", exact=True)


def figure(page: Page, name: str) -> Locator:
    """A figure of the account: Equity, Cash, Buying power, Day P&L."""
    return account(page).locator("div", has_text=name).locator("dd")


def ticket(page: Page) -> Locator:
    return page.get_by_role("form", name="Order ticket")


def choose(page: Page, side_or_type: str) -> None:
    """A side or an order type of the ticket."""
    ticket(page).get_by_text(side_or_type, exact=True).click()


def tab(page: Page, name: str) -> Locator:
    """Open a list of the portfolio and return it."""
    page.get_by_role("tab", name=name).click()
    return page.get_by_role("tabpanel", name=name)


def best_bid(page: Page) -> str:
    """The best bid of the book, as text."""
    text = page.get_by_role("list", name="Bids").get_by_role("button").first.inner_text()
    return text.split()[0].replace(",", "")


def state(page: Page) -> dict[str, Any]:
    """What must survive a reload and a restart: what moves with the market is left out."""
    positions = tab(page, "Positions").get_by_role("row").all()[1:]
    return {
        "cash": figure(page, "Cash").inner_text(),
        "buying_power": figure(page, "Buying power").inner_text(),
        "positions": [row.get_by_role("cell").all_inner_texts()[:3] for row in positions],
        "open": tab(page, "Open orders").inner_text(),
        "fills": tab(page, "Fills").inner_text(),
        "closed": tab(page, "Order history").inner_text(),
    }


def screenshot(page: Page, name: str) -> None:
    """For eyes: the pictures are looked at, not compared."""
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")
