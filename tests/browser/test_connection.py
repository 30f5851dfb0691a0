"""The page shows the state of its connection, and gets what it missed once."""

import pytest
from playwright.async_api import expect

from tests.browser.company import Company
from tests.browser.conftest import Desk
from tests.browser.server import Server

pytestmark = pytest.mark.browser


async def test_a_lost_connection_is_shown_recovered_and_nothing_is_repeated(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.open()
    acme.say(*(acme.anomaly(person_name=f"Before {number}") for number in range(3)))
    await expect(page.locator(".row")).to_have_count(3)
    server.stop()
    await expect(page.locator("#state-text")).to_have_text("Reconnecting")
    await expect(page.locator("#banner")).to_contain_text("may be out of date")
    await expect(page.get_by_label("CRITICAL")).to_be_disabled()
    acme.say(*(acme.anomaly(person_name=f"Missed {number}") for number in range(5)))
    server.start()
    await expect(page.locator("#state")).to_have_attribute(
        "data-state", "recovered", timeout=20_000
    )
    await expect(page.locator("#state-text")).to_contain_text("5 missed messages replayed")
    await expect(page.locator("#banner")).to_be_hidden()
    acme.say(acme.anomaly(person_name="After"))
    names = [
        "After",
        *(f"Missed {number}" for number in range(4, -1, -1)),
        *(f"Before {number}" for number in range(2, -1, -1)),
    ]
    await expect(page.locator(".row .who")).to_have_text(names)
    await expect(page.locator("#state-text")).to_contain_text("5 missed messages replayed")


async def test_a_history_that_is_another_rebuilds_the_view_and_says_so(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.open()
    acme.say(acme.anomaly(person_name="Of the old history"))
    await expect(page.locator(".row")).to_have_count(1)
    server.stop()
    acme.forget()
    acme.say(acme.anomaly(person_name="Of the new history"))
    server.start()
    await expect(page.locator("#banner")).to_contain_text("The view was rebuilt", timeout=20_000)
    await expect(page.locator(".row .who")).to_have_text(["Of the new history"])
    await expect(page.locator("#state-text")).to_have_text("Live")


async def test_a_token_that_ends_is_asked_for_anew_and_the_feed_goes_on(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.open(desk.token(seconds=12))
    acme.say(acme.anomaly(person_name="Before"))
    await expect(page.locator("#renew-text")).to_contain_text("Your token ends at")
    await expect(page.locator("#state-text")).to_have_text("Token expired")
    await expect(page.locator("#renew-text")).to_contain_text("Your token ended at")
    acme.say(acme.anomaly(person_name="Meanwhile"))
    await page.fill("#renew-token", "nonsense")
    await page.keyboard.press("Enter")
    await expect(page.locator("#renew-problem")).to_contain_text("This is no token")
    await page.fill("#renew-token", desk.token())
    await page.keyboard.press("Enter")
    await expect(page.locator("#state-text")).to_contain_text("1 missed message replayed")
    await expect(page.locator("#renew")).to_be_hidden()
    await expect(page.locator(".row .who")).to_have_text(["Meanwhile", "Before"])


async def test_a_token_is_renewed_without_a_break(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.blank()
    await page.clock.install()
    await desk.enter(page, desk.token(seconds=40))
    await page.clock.fast_forward(31_000)  # the page's clock: there is time enough by the server's
    await expect(page.locator("#renew")).to_be_visible()
    new = desk.token(seconds=900)
    await page.fill("#renew-token", new.rpartition(".")[0] + ".forged")
    await page.keyboard.press("Enter")
    await expect(page.locator("#renew-problem")).to_contain_text("not valid")
    await page.fill("#renew-token", new)
    await page.keyboard.press("Enter")
    await expect(page.locator("#renew")).to_be_hidden()
    await expect(page.locator("#state-text")).to_have_text("Live")
    acme.say(acme.anomaly())
    await expect(page.locator(".row")).to_have_count(1)


async def test_a_refused_token_is_told_with_the_reason(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.blank()
    await page.goto(f"{server.url}/#token=not.a.token")
    await expect(page.locator("#state-text")).to_have_text("Refused: the token is not valid here")
    await page.fill("#renew-token", desk.token())
    await page.keyboard.press("Enter")
    await expect(page.locator("#state-text")).to_have_text("Live")


async def test_the_token_leaves_the_address_bar_and_signing_out_forgets_it(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.open()
    assert page.url == f"{server.url}/"
    await page.reload()
    await expect(page.locator("#state-text")).to_have_text("Live")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#sign-in-token")).to_be_focused()
    assert await page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})") == "{}"
    await page.keyboard.type(desk.token())
    await page.keyboard.press("Enter")
    await expect(page.locator("#state-text")).to_have_text("Live")
