"""The server filters; the page shows the filter that the server has in force."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.company import Company
from tests.browser.conftest import Desk
from tests.browser.server import Server

pytestmark = pytest.mark.browser


async def test_the_filter_is_applied_by_the_server_to_what_was_and_what_comes(
    desk: Desk, acme: Company
) -> None:
    acme.say(
        acme.anomaly(severity="LOW", person_name="Old low"),
        acme.anomaly(severity="HIGH", person_name="Old high"),
    )
    page = await desk.open()
    received: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))),
    )
    await page.reload()
    await expect(page.locator(".row")).to_have_count(2)
    await page.get_by_label("HIGH").check()
    await expect(page.locator("#in-force")).to_have_text("In force: HIGH")
    await expect(page.locator(".row .who")).to_have_text(["Old high"])
    acme.say(
        acme.anomaly(severity="LOW", person_name="New low"),
        acme.anomaly(severity="HIGH", person_name="New high"),
    )
    await expect(page.locator(".row .who")).to_have_text(["New high", "Old high"])
    assert not any("New low" in frame for frame in received)
    await page.get_by_role("button", name="Clear filter").click()
    await expect(page.locator(".row .who")).to_have_text(
        ["New high", "New low", "Old high", "Old low"]
    )


CHECK_WHILE_ASKING = """() => {
    const inForce = document.querySelector("#in-force");
    new MutationObserver((_, observer) => {
        if (!inForce.textContent.startsWith("Asking")) return;
        observer.disconnect();
        document.querySelector("#filter input[value=WRONG_PERSON]").click();
    }).observe(inForce, { childList: true, characterData: true, subtree: true });
}"""


async def test_what_is_checked_while_the_server_is_asked_is_not_undone_by_its_answer(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.open()
    await page.evaluate(CHECK_WHILE_ASKING)
    await page.get_by_label("GPS Spoofing Suspected").check()
    await expect(page.locator("#in-force")).to_have_text(
        "In force: Wrong Person at Site, GPS Spoofing Suspected"
    )


async def test_type_and_site_narrow_together_and_hold_over_reload_and_recovery(
    desk: Desk, server: Server, acme: Company
) -> None:
    depot: dict[str, Any] = {"site_id": 16, "site_name": "North Depot"}
    acme.say(
        acme.anomaly("GPS_SPOOFING"),
        acme.anomaly("GPS_SPOOFING", **depot),
        acme.anomaly("WRONG_PERSON", **depot),
    )
    page = await desk.open()
    await page.get_by_label("GPS Spoofing Suspected").check()
    await page.get_by_label("North Depot").check()
    await expect(page.locator("#in-force")).to_have_text(
        "In force: GPS Spoofing Suspected · North Depot"
    )
    await expect(page.locator(".row")).to_have_count(1)
    await page.reload()
    await expect(page.locator("#in-force")).to_have_text(
        "In force: GPS Spoofing Suspected · North Depot"
    )
    await expect(page.get_by_label("GPS Spoofing Suspected")).to_be_checked()
    server.stop()
    acme.say(
        acme.anomaly("GPS_SPOOFING", person_name="Elsewhere"),
        acme.anomaly("GPS_SPOOFING", person_name="Here", **depot),
    )
    server.start()
    await expect(page.locator("#state-text")).to_contain_text(
        "1 missed message replayed", timeout=20_000
    )
    await expect(page.locator(".row .who")).to_have_text(["Here", "Mei-Ling Chow"])


async def test_what_the_server_refuses_is_shown_and_the_filter_in_force_stays(
    desk: Desk, server: Server, acme: Company
) -> None:
    acme.say(acme.anomaly(site_id=15))
    page = await desk.open(desk.token(sites=[15, 16]))
    await page.get_by_label("LOW").check()
    await expect(page.locator("#in-force")).to_have_text("In force: LOW")
    # A box that no honest page has: only the server can say no.
    await page.evaluate("document.querySelector('#filter-sites input').value = '99'")
    await page.locator("#filter-sites input").first.check()
    await expect(page.locator("#in-force")).to_contain_text("Not applied:")
    await expect(page.locator("#in-force")).to_contain_text("In force: LOW")
    await expect(page.locator(".row")).to_have_count(1)


async def test_what_is_in_force_as_a_box_is_checked_does_not_uncheck_it(desk: Desk) -> None:
    """Another tab, or the connection that has just come up, may say so at that very moment."""
    page = await desk.open()
    asked = await page.evaluate(
        """async () => {
            const { Filters } = await import("/dashboard/filters.js");
            const { promise, resolve } = Promise.withResolvers();
            const filters = new Filters(async (filter) => (resolve(filter), filter));
            filters.enable(true);
            document.querySelector("#filter-severities input[value=LOW]").click();
            filters.adopt({});
            return promise;
        }"""
    )
    assert asked == {"severities": ["LOW"]}


async def test_a_kept_filter_that_a_narrower_token_forbids_is_let_go(
    desk: Desk, server: Server, acme: Company
) -> None:
    acme.say(acme.anomaly(site_id=15), acme.anomaly(site_id=16, site_name="North Depot"))
    page = await desk.open()
    await page.get_by_label("North Depot").check()
    await expect(page.locator("#in-force")).to_have_text("In force: North Depot")
    await page.evaluate(
        "token => sessionStorage.setItem('rollcall.token', token)", desk.token(sites=[15])
    )
    await page.reload()
    await expect(page.locator("#state-text")).to_have_text("Live")
    await expect(page.locator("#in-force")).to_have_text("Showing everything you may see")
    await expect(page.locator(".row")).to_have_count(1)


async def test_a_filter_that_nothing_passes_says_so(desk: Desk, acme: Company) -> None:
    acme.say(acme.anomaly(severity="LOW"))
    page = await desk.open()
    await page.get_by_label("CRITICAL").check()
    await expect(page.locator("#empty")).to_have_text(
        "Nothing in the feed passes the filter in force."
    )
