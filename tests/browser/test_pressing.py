"""A button stays where it is from press to release: one that moves in between gets no click."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.company import Company
from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser

# How far a node moves in the frames after it came into view. Rows get their real height then.
MOVED_PX = """async (selector) => {
  const node = document.querySelector(selector);
  node.scrollIntoView({ block: "end" });
  const before = node.getBoundingClientRect().y;
  for (let frame = 0; frame < 20; frame++) await new Promise(requestAnimationFrame);
  return node.getBoundingClientRect().y - before;
}"""
WHOLE_ROWS = """() =>
  [...document.querySelectorAll(".row button")].every(
    (row) => row.scrollHeight <= row.parentNode.clientHeight,
  )
"""
WIDTHS = {"wide": 1900, "beside the queue": 1366, "narrow": 850, "phone": 400}


async def crowded(desk: Desk, acme: Company, width: int = 1366) -> Page:
    acme.say(*(acme.anomaly(person_name=f"P{number}") for number in range(1, 451)))
    page = await desk.open(viewport={"width": width, "height": 768})
    await expect(page.locator(".row")).to_have_count(200)
    return page


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
async def test_what_is_scrolled_to_stays_in_view(desk: Desk, acme: Company, width: int) -> None:
    page = await crowded(desk, acme, width)
    assert abs(await page.evaluate(MOVED_PX, "#older")) < 3
    assert await page.evaluate(WHOLE_ROWS)


async def test_what_arrives_while_a_row_is_pressed_does_not_take_it_away(
    desk: Desk, acme: Company
) -> None:
    acme.say(acme.anomaly(person_name="Pressed"))
    page = await desk.open()
    await page.locator(".row").hover()
    await page.mouse.down()
    acme.say(
        *(acme.anomaly(severity="CRITICAL", person_name=f"New {number}") for number in range(3))
    )
    # Wait until they have arrived.
    await expect(page.locator("#announcer")).to_contain_text("CRITICAL")
    await page.mouse.up()
    await expect(page.locator("#details")).to_contain_text("Pressed")
    await expect(page.locator(".row")).to_have_count(4)


async def test_a_press_that_never_ends_holds_nothing_up(desk: Desk, acme: Company) -> None:
    acme.say(acme.anomaly())
    page = await desk.open()
    await page.locator(".row").hover()
    await page.mouse.down()
    acme.say(acme.anomaly())
    await expect(page.locator(".row")).to_have_count(2)


async def test_an_update_that_comes_while_a_verdict_is_pressed_does_not_undo_the_press(
    desk: Desk, acme: Company
) -> None:
    page = await desk.open()
    anomaly = acme.anomaly(severity="HIGH")
    acme.say(anomaly)
    await page.locator(".row button").click()
    await page.locator("#review-CONFIRMED").hover()
    await page.mouse.down()
    acme.say(
        anomaly | {"type": "anomaly_updated", "severity": "CRITICAL", "prior_severity": "HIGH"}
    )
    await expect(page.locator("#announcer")).to_contain_text("CRITICAL")
    await page.mouse.up()
    await expect(page.locator("#details .facts")).to_contain_text("Confirmed")
