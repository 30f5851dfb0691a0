"""An answer that comes late, twice or never leaves the page neither stuck nor wrong."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect
from sqlalchemy import Engine

from tests.browser.company import Company
from tests.browser.conftest import Desk
from tests.browser.server import Server
from tests.models.alerts.cast import open_alert

pytestmark = pytest.mark.browser

SEVERAL_FRAMES = """async () => {
  for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
}"""
REFUSED = '[{"ok":false,"error":{"code":"unavailable","message":"Not now."}}]'


class Line:
    """The page's websocket. Packets of the server that `delays` is true of wait for `release`."""

    def __init__(self) -> None:
        self.delays: Callable[[str], bool] = lambda _: False
        self.delayed: list[str] = []
        self._page: WebSocketRoute | None = None

    async def between(self, page: Page) -> None:
        await page.route_web_socket(lambda url: "socket.io" in url, self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._page, server = socket, socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(self._pass_on)

    def _pass_on(self, text: str | bytes) -> None:
        assert self._page
        if self.delays(str(text)):
            self.delayed.append(str(text))
        else:
            self._page.send(text)

    def refuse(self) -> None:
        """Release what is delayed, with the answer of a server that is unavailable in its place."""
        self.delayed = [re.sub(r"\[.*", REFUSED, text, flags=re.DOTALL) for text in self.delayed]
        self.release()

    def release(self) -> None:
        assert self._page
        self.delays = lambda _: False
        for text in self.delayed:
            self._page.send(text)
        self.delayed.clear()


def is_history(text: str) -> bool:
    return text.startswith("43/noc,") and '"more":' in text


def alert_message(company: Company) -> dict[str, Any]:
    """Return the payload of an alert, which is no row of the page's feed."""
    return {
        "type": "alert_updated",
        "tenant_id": company.tenant_id,
        "site_id": 15,
        "severity": "LOW",
        "timestamp": "2026-11-23T08:00:00Z",
    }


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def forgive(desk: Desk, text: str) -> None:
    """Drop complaints with this text: the test made the browser complain on purpose."""
    desk.complaints = [complaint for complaint in desk.complaints if text not in complaint]


async def opened(desk: Desk, token: str | None = None) -> tuple[Page, Line]:
    """Open the dashboard with its websocket in the test's hands."""
    page, line = await desk.blank(), Line()
    await line.between(page)
    await desk.enter(page, token)
    return page, line


async def test_a_page_of_nothing_but_alerts_is_not_the_end_of_a_press(
    desk: Desk, acme: Company
) -> None:
    old = [acme.anomaly(person_name=f"Old {number}") for number in range(3)]
    acme.say(*old, *(alert_message(acme) for _ in range(450)))
    acme.say(*(acme.anomaly(person_name=f"New {number}") for number in range(10)))
    page = await desk.open()
    await expect(page.locator(".row")).to_have_count(10)
    await page.locator("#older").click()
    await expect(page.locator(".row")).to_have_count(13)
    await expect(page.locator("#older")).to_be_hidden()


async def test_what_was_asked_of_another_history_does_not_stand_in_this_one(
    desk: Desk, server: Server, acme: Company
) -> None:
    """Else there would be a hole that nobody sees, between those messages and the snapshot's."""
    acme.say(*(acme.anomaly(person_name=f"P{number}") for number in range(1, 451)))
    page, line = await opened(desk)
    await expect(page.locator(".row")).to_have_count(200)
    line.delays = is_history
    await page.locator("#older").click()
    await until(lambda: line.delayed)
    acme.forget()
    acme.say(acme.anomaly(person_name="Of the new history"))
    await expect(page.locator(".row .who")).to_have_text(["Of the new history"])
    line.release()
    await expect(page.locator("#older")).to_be_hidden()
    acme.say(acme.anomaly(person_name="After"))
    await expect(page.locator(".row .who")).to_have_text(["After", "Of the new history"])


async def test_a_filter_whose_messages_do_not_come_does_not_say_that_there_are_none(
    desk: Desk, acme: Company
) -> None:
    acme.say(acme.anomaly(severity="HIGH"), acme.anomaly(severity="LOW"))
    page, line = await opened(desk)
    await expect(page.locator(".row")).to_have_count(2)
    line.delays = is_history
    await page.locator("#filter").get_by_label("HIGH").check()
    await until(lambda: line.delayed)
    await expect(page.locator("#empty")).to_have_text("Waiting for the server.")
    line.refuse()
    await expect(page.locator("#banner")).to_have_text(
        "Older messages could not be loaded: Not now."
    )
    await expect(page.locator("#empty")).to_have_text("Nothing is loaded yet.")
    await page.locator("#older").click()
    await expect(page.locator(".row")).to_have_count(1)


async def test_a_press_whose_answer_was_lost_with_the_connection_is_made_up_for(
    desk: Desk, server: Server, acme: Company
) -> None:
    acme.say(*(acme.anomaly(person_name=f"P{number}") for number in range(1, 251)))
    page, line = await opened(desk)
    await expect(page.locator(".row")).to_have_count(200)
    line.delays = is_history
    await page.locator("#older").click()
    await until(lambda: line.delayed)
    line.delayed.clear()
    server.stop()
    await expect(page.locator("#state-text")).to_have_text("Reconnecting")
    await expect(page.locator("#banner")).to_contain_text("may be out of date")
    line.delays = lambda _: False
    server.start()
    await expect(page.locator(".row")).to_have_count(250)
    await expect(page.locator("#older")).to_be_hidden()
    forgive(desk, "WebSocket is closed")


async def test_a_filter_that_is_refused_leaves_the_one_in_force_shown(
    desk: Desk, acme: Company
) -> None:
    """The first of two filters asked for in a row is in force, and the second is refused.

    Both answers are delayed until both were asked for, and come in their order.
    """
    acme.say(acme.anomaly(severity="HIGH"), acme.anomaly(severity="LOW"))
    page, line = await opened(desk, desk.token(sites=[15]))
    await expect(page.locator(".row")).to_have_count(2)
    line.delays = lambda text: text.startswith("43/noc,")
    await page.locator("#filter").get_by_label("HIGH").check()
    await until(lambda: any('"filter":' in text for text in line.delayed))
    # The token does not cover this site.
    await page.evaluate("document.querySelector('#filter-sites input').value = 16")
    await page.locator("#filter-sites input").check()
    await until(lambda: any('"forbidden"' in text for text in line.delayed))
    line.release()
    await expect(page.locator("#in-force")).to_contain_text("In force: HIGH")
    await expect(page.locator("#filter").get_by_label("HIGH")).to_be_checked()
    await expect(page.locator(".row .chip")).to_have_text(["HIGH"])


async def test_alerts_that_cannot_be_loaded_are_asked_for_again_and_said_to_be_missing(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    open_alert(engine, tenant_id=acme.tenant_id, person_name="Old", person_id=1)
    page = await desk.blank()
    failing = True

    async def answer(route: Route) -> None:
        await (
            route.fulfill(status=502, body="<h1>Bad gateway</h1>") if failing else route.continue_()
        )

    await page.route("**/api/v1/alerts?*", answer)
    await desk.enter(page)
    await expect(page.locator("#queue-empty")).to_contain_text(
        "could not be loaded: The answer (502) cannot be read."
    )
    open_alert(engine, tenant_id=acme.tenant_id, person_name="New", person_id=2)
    await expect(page.locator(".alert-row .who")).to_have_text(["New"])
    await expect(page.locator("#queue-empty")).to_be_visible()
    failing = False
    await expect(page.locator(".alert-row .who")).to_have_text(["Old", "New"])
    await expect(page.locator("#queue-empty")).to_be_hidden()
    forgive(desk, "502")


async def test_of_two_lists_of_silences_the_later_one_holds(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    late: list[Route] = []

    async def first_waits(route: Route) -> None:
        if late:
            await route.continue_()
        else:
            late.append(route)

    await page.route("**/api/v1/quiet?*", first_waits)
    await page.locator("#open-quiet").click()
    await until(lambda: late)
    ends = datetime.now(UTC) + timedelta(hours=6)
    await page.locator("#new-quiet [name=reason]").fill("Works.")
    await page.locator("#new-quiet [name=ends_at]").fill(f"{ends:%Y-%m-%dT%H:%M}")
    await page.get_by_role("button", name="Keep it quiet").click()
    await expect(page.locator(".quiets strong")).to_have_text(["Works."])
    async with page.expect_event("requestfinished", lambda request: request == late[0].request):
        await late[0].fulfill(json={"items": [], "next": None})
    await page.evaluate(SEVERAL_FRAMES)
    # Read at once: a quarter of a minute later the list is loaded again, and is right again.
    assert await page.locator(".quiets strong").all_text_contents() == ["Works."]


async def test_a_count_of_what_was_missed_ends_where_no_answer_came(
    desk: Desk, server: Server, acme: Company
) -> None:
    page, line = await opened(desk)
    acme.say(acme.anomaly())
    await expect(page.locator(".row")).to_have_count(1)
    server.stop()
    acme.say(acme.anomaly())
    line.delays = is_history
    server.start()
    await until(lambda: line.delayed)
    line.refuse()
    await expect(page.locator("#state-text")).to_contain_text("1 missed message replayed")
    acme.say(acme.anomaly())
    await expect(page.locator(".row")).to_have_count(3)
    await expect(page.locator("#state-text")).to_contain_text("1 missed message replayed")
    forgive(desk, "WebSocket is closed")
