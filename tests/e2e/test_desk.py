"""The journey of a newcomer through the page, against a real product."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.desk import (
    best_bid,
    choose,
    figure,
    register,
    screenshot,
    state,
    tab,
    ticket,
    wait_until_live,
)
from faults.product import Product

pytestmark = pytest.mark.e2e

PHONE = {"width": 360, "height": 740}
PARTS = ("Markets", "Chart", "Book", "Trade", "Portfolio")


def buy_at_market(page: Page, qty: str) -> None:
    choose(page, "Buy")
    choose(page, "Market")
    ticket(page).get_by_label("Quantity").fill(qty)
    ticket(page).get_by_role("button", name=f"Buy {qty} AAPL").click()
    expect(ticket(page).get_by_role("status")).to_contain_text(f"{qty} filled at")


def rest_far_below(page: Page, qty: str) -> None:
    """Leave a limit order in the book that the market will not reach."""
    price = int(float(best_bid(page)) / 2)
    choose(page, "Buy")
    choose(page, "Limit")
    ticket(page).get_by_label("Quantity").fill(qty)
    ticket(page).get_by_label("Limit price").fill(str(price))
    ticket(page).get_by_role("button", name=f"Buy {qty} AAPL").click()
    expect(ticket(page).get_by_role("status")).to_contain_text("waiting in the book")


def test_a_newcomer_buys_sees_the_fill_cancels_another_order_and_finds_it_all_after_a_reload(
    page: Page,
) -> None:
    register(page)
    expect(page.get_by_label("First steps")).to_contain_text("Buy 1 AAPL at market")
    screenshot(page, "desk-new-dark")
    page.get_by_role("button", name="Fill in the ticket").click()
    expect(ticket(page)).to_contain_text(re.compile(r"Cost, about\s*\d+\.\d\d"))

    buy_at_market(page, "1")
    expect(page.get_by_role("log", name="Fills")).to_contain_text("Bought 1 AAPL at")
    expect(page.get_by_label("First steps")).to_have_count(0)
    expect(tab(page, "Positions").get_by_role("row", name=re.compile("AAPL"))).to_contain_text("1")
    expect(tab(page, "Fills").get_by_role("row")).to_have_count(2)
    expect(figure(page, "Cash")).not_to_have_text("100,000.00")

    power = figure(page, "Buying power").inner_text()
    rest_far_below(page, "3")
    expect(figure(page, "Buying power")).not_to_have_text(power)
    rest_far_below(page, "2")
    orders = tab(page, "Open orders")
    expect(orders.get_by_role("row")).to_have_count(3)
    orders.get_by_role("button", name="Cancel the order to buy 3 AAPL").click()
    expect(orders.get_by_role("row")).to_have_count(2)
    expect(tab(page, "Order history")).to_contain_text("canceled requested")
    screenshot(page, "desk-dark")

    before = state(page)
    page.reload()
    wait_until_live(page)
    expect(tab(page, "Order history")).to_contain_text("canceled requested")
    assert state(page) == before
    page.get_by_role("button", name="Light colours").click()
    page.get_by_role("tab", name="Positions").click()
    page.wait_for_timeout(500)
    screenshot(page, "desk-light")


def test_the_same_login_finds_its_account_again(page: Page, context: BrowserContext) -> None:
    name = register(page)
    buy_at_market(page, "2")
    before = state(page)
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    wait_until_live(page)
    expect(tab(page, "Order history")).to_contain_text("filled")
    assert state(page) == before
    # The token ends with the tab: another one starts at the door.
    other = context.new_page()
    other.goto("/")
    expect(other.get_by_role("form", name="Log in")).to_be_visible()


def test_an_order_is_written_and_sent_by_keyboard_alone(page: Page) -> None:
    register(page)
    page.keyboard.press("/")
    page.keyboard.type("micro")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Chart of MSFT")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.type("4")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Buy 5 MSFT")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("log", name="Fills")).to_contain_text("Bought 5 MSFT at")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log", name="Fills")).to_contain_text("Sold 5 MSFT at")
    expect(tab(page, "Positions")).to_contain_text("No positions")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Search symbols")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_every_control_is_reached_with_tab_and_shows_where_it_is(page: Page) -> None:
    register(page)
    reached: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    names = " | ".join(reached)
    for name in ("Search symbols", "Quantity", "Buy 1 AAPL", "Log out", "Bid ", "Positions"):
        assert name in names, name
    assert "no outline" not in names


FOCUSED = """() => {
    const element = document.activeElement
    const label = element.labels?.[0]?.innerText ?? ''
    const name = element.getAttribute('aria-label') ?? ''
    const seen = getComputedStyle(element)
    const visible = seen.outlineStyle !== 'none' || seen.borderColor !== 'rgba(0, 0, 0, 0)'
    const radio = element.type === 'radio'
    return `${name} ${label} ${element.innerText ?? ''} ${visible || radio ? '' : 'no outline'}`
}"""


def test_a_refusal_is_shown_at_the_field_that_it_concerns(page: Page) -> None:
    register(page)
    quantity = ticket(page).get_by_label("Quantity")
    quantity.fill("1000000")
    expect(quantity).to_have_attribute("aria-invalid", "true")
    expect(ticket(page)).to_contain_text(re.compile("The order needs .* can spend"))
    quantity.fill("1.5")
    expect(ticket(page)).to_contain_text(re.compile("lot", re.IGNORECASE))
    choose(page, "Limit")
    quantity.fill("1")
    ticket(page).get_by_label("Limit price").fill("100.001")
    expect(ticket(page).get_by_label("Limit price")).to_have_attribute("aria-invalid", "true")
    ticket(page).get_by_role("button", name="Buy 1 AAPL").click()
    expect(tab(page, "Order history")).to_contain_text("rejected invalid tick")


def test_a_price_of_the_book_goes_into_the_ticket_and_an_order_can_be_changed(page: Page) -> None:
    register(page)
    level = page.get_by_role("list", name="Bids").get_by_role("button").nth(5)
    price = level.inner_text().split()[0]
    level.click()
    expect(ticket(page).get_by_label("Limit price")).not_to_have_value("")
    assert abs(float(ticket(page).get_by_label("Limit price").input_value()) - float(price)) < 1
    rest_far_below(page, "2")
    orders = tab(page, "Open orders")
    orders.get_by_role("button", name="Change the order to buy 2 AAPL").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Quantity").fill("7")
    dialog.get_by_role("button", name="Change order").click()
    expect(dialog).to_have_count(0)
    expect(orders.get_by_role("button", name="Cancel the order to buy 7 AAPL")).to_be_visible()


def test_on_a_phone_every_part_fits_and_an_order_can_be_sent(page: Page) -> None:
    page.set_viewport_size(PHONE)
    register(page)
    parts = page.get_by_role("navigation", name="Parts of the desk")
    for part in PARTS:
        parts.get_by_role("button", name=part).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], part
        screenshot(page, f"phone-{part.lower()}")
    parts.get_by_role("button", name="Trade").click()
    buy_at_market(page, "1")
    parts.get_by_role("button", name="Portfolio").click()
    expect(page.get_by_role("tabpanel", name="Positions")).to_contain_text("AAPL")
    screenshot(page, "phone-portfolio")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_open_page_comes_back_by_itself_after_everything_was_killed(
    page: Page, product: Product
) -> None:
    register(page)
    buy_at_market(page, "1")
    rest_far_below(page, "2")
    before = state(page)
    product.kill_all()
    expect(page.get_by_role("status").get_by_text("No connection")).to_be_visible()
    screenshot(page, "connection-lost")
    product.start()
    expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible(timeout=30_000)
    assert state(page) == before
    buy_at_market(page, "3")
    expect(tab(page, "Fills").get_by_role("row")).to_have_count(3)


def test_an_order_that_is_sent_while_the_floor_is_away_happens_once(
    page: Page, product: Product
) -> None:
    register(page)
    choose(page, "Limit")
    ticket(page).get_by_label("Quantity").fill("9")
    ticket(page).get_by_label("Limit price").fill("100")
    product.kill_child("floor")
    ticket(page).get_by_role("button", name="Buy 9 AAPL").click()
    expect(ticket(page).get_by_role("status")).to_contain_text(
        "Asking again under the same order id"
    )
    expect(ticket(page).get_by_role("status")).to_contain_text(
        "waiting in the book", timeout=30_000
    )
    orders = tab(page, "Open orders")
    expect(orders.get_by_role("button", name="Cancel the order to buy 9 AAPL")).to_have_count(1)
    page.reload()
    wait_until_live(page)
    expect(tab(page, "Open orders").get_by_role("row")).to_have_count(2)
