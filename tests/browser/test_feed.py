"""Messages reach the page, look as they should, and stay where their positions put them."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.company import Company
from tests.browser.conftest import Desk
from tests.browser.server import Server

pytestmark = pytest.mark.browser

LABELS = {
    "WRONG_PERSON": "Wrong Person at Site",
    "UNAUTHORIZED_SITE": "Unauthorized Site Access",
    "IMPOSSIBLE_SHIFTS": "Impossible Back-to-Back Shifts",
    "OVERTIME_VIOLATION": "Overtime Violation",
    "BUDDY_PUNCHING": "Buddy Punching Detected",
    "GPS_SPOOFING": "GPS Spoofing Suspected",
    "GEOFENCE_VIOLATION": "Geofence Violation",
    "BIOMETRIC_ANOMALY": "Biometric Pattern Anomaly",
    "SCHEDULE_MISMATCH": "Schedule Mismatch",
}
COLOURS = {
    "LOW": "rgb(59, 130, 246)",
    "MEDIUM": "rgb(245, 158, 11)",
    "HIGH": "rgb(239, 68, 68)",
    "CRITICAL": "rgb(220, 38, 38)",
}
HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "';alert(1)//",
    "\u202egnihton",
    "x" * 500,
]


async def test_anomalies_that_arrive_appear_with_label_and_colour_newest_first(
    desk: Desk, acme: Company
) -> None:
    page = await desk.open()
    await expect(page.locator("#empty")).to_contain_text("Nothing has been detected yet")
    severities = list(COLOURS) * 3
    acme.say(
        *(acme.anomaly(kind, severity) for kind, severity in zip(LABELS, severities, strict=False))
    )
    await expect(page.locator(".row .what")).to_have_text(list(reversed(LABELS.values())))
    for severity, colour in COLOURS.items():
        row = page.locator(f".row[data-severity={severity}]").first
        await expect(row.locator(".chip")).to_have_text(severity)
        await expect(row.locator(".chip")).to_have_css("background-color", colour)
        await expect(row).to_have_css("border-left-color", colour)


async def test_counters_count_what_stands_by_severity(desk: Desk, acme: Company) -> None:
    gone = acme.anomaly(severity="HIGH")
    acme.say(
        acme.anomaly(severity="HIGH"),
        acme.anomaly(severity="HIGH"),
        acme.anomaly(severity="LOW"),
        gone,
    )
    page = await desk.open()
    await expect(page.locator("[data-count=HIGH]")).to_have_text("3")
    await expect(page.locator("#counters-span")).to_have_text("detected in the last 24 hours")
    acme.say(gone | {"type": "anomaly_updated", "status": "WITHDRAWN"})
    await expect(page.locator("[data-count=HIGH]")).to_have_text("2")
    await expect(page.locator("[data-count=LOW]")).to_have_text("1")


async def test_hostile_names_are_inert(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    hostile = [
        acme.anomaly(
            severity="CRITICAL",
            person_name=name,
            site_name=name,
            explanation=name,
            reason=name,
            evidence={name: name},
        )
        for name in HOSTILE
    ]
    acme.say(
        *hostile,
        {
            "type": "ticket_updated",
            "tenant_id": acme.tenant_id,
            "title": HOSTILE[0],
            HOSTILE[1]: {"__proto__": HOSTILE[0]},
            "timestamp": "nonsense",
        },
    )
    await expect(page.locator(".row .who")).to_have_text(["", *reversed(HOSTILE)])
    await page.get_by_role("button", name="Dismiss all").click()
    for row in await page.locator(".row button").all():
        await row.click()
        await expect(page.locator("#details-title")).to_be_visible()
    await expect(page.locator("#details .explanation")).to_have_text(HOSTILE[0])
    assert await page.locator("#desk img, #desk script, #notices img, #notices script").count() == 0
    assert "owned" not in await page.title()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_withdrawn_anomaly_is_struck_through_where_it_stands(
    desk: Desk, acme: Company
) -> None:
    page = await desk.open()
    first, second = acme.anomaly(person_name="First"), acme.anomaly(person_name="Second")
    acme.say(first, second)
    acme.say(first | {"type": "anomaly_updated", "status": "WITHDRAWN"})
    row = page.locator(".row").nth(1)
    await expect(row.locator(".status")).to_have_text("Withdrawn")
    await expect(row.locator(".who")).to_have_text("First")
    await expect(row.locator(".what")).to_have_css("text-decoration-line", "line-through")
    await expect(page.locator(".row")).to_have_count(2)
    acme.say(first | {"type": "anomaly_updated", "severity": "HIGH", "prior_severity": "LOW"})
    await expect(row.locator(".chip")).to_have_text("HIGH")
    await expect(row.locator(".what")).to_have_css("text-decoration-line", "none")


async def test_details_show_the_evidence_and_follow_an_update(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    anomaly = acme.anomaly(
        severity="MEDIUM", occurred_at="2026-07-01T22:30:00Z", person_name="Amina Diallo"
    )
    acme.say(anomaly)
    await page.locator(".row button").focus()
    await page.keyboard.press("Enter")
    details = page.locator("#details")
    await expect(page.locator("#details-title")).to_be_focused()
    await expect(details).to_contain_text("Amina Diallo (207)")
    await expect(details).to_contain_text("02 Jul 2026, 00:30:00 CEST (01 Jul 2026, 22:30:00 UTC)")
    await expect(details.locator("tr", has_text="Distance").first).to_contain_text("412\u00a0m")
    await expect(details.locator(".several tr", has_text="Hours")).to_contain_text("9.5")
    acme.say(anomaly | {"type": "anomaly_updated", "status": "CONFIRMED"})
    await expect(details.locator(".facts")).to_contain_text("Confirmed")
    await expect(page.locator("#details-title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(details).to_be_hidden()
    await expect(page.locator(".row button")).to_be_focused()


async def test_findings_and_tickets_of_other_apps_appear(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    fields = {"tenant_id": acme.tenant_id, "timestamp": "2026-11-23T08:00:00Z", "site_id": 15}
    acme.say(
        fields | {"type": "finding_created", "severity": "HIGH", "title": "Badge reader offline"},
        fields | {"type": "ticket_updated", "message": "Ticket 4711 closed", "state": "closed"},
    )
    await expect(page.locator(".row .what")).to_have_text(["Ticket", "Finding"])
    await expect(page.locator(".row .why")).to_have_text(
        ["Ticket 4711 closed", "Badge reader offline"]
    )
    await page.locator(".row button").first.click()
    await expect(page.locator("#details .fields tr", has_text="State")).to_contain_text("closed")


async def test_older_messages_are_loaded_and_the_page_stays_bounded(
    desk: Desk, acme: Company
) -> None:
    acme.say(*(acme.anomaly(person_name=f"P{number}") for number in range(1, 1101)))
    page = await desk.open()
    await expect(page.locator(".row")).to_have_count(200)
    await expect(page.locator("#counters-span")).to_contain_text("among the messages loaded")
    older = page.locator("#older")
    while await older.is_visible():
        loaded = await _last_key(page)
        await older.click(delay=60)  # as long as a person presses
        await page.wait_for_function(
            "before => document.querySelector('#feed li:last-child').dataset.key !== before",
            arg=loaded,
        )
        assert await page.locator(".row").count() <= 500
        await expect(older).to_be_enabled()
    await expect(page.locator(".row .who").last).to_have_text("P1")
    await page.locator("#to-live").click()
    await expect(page.locator(".row .who").first).to_have_text("P1100")


async def _last_key(page: Page) -> str:
    key = await page.locator("#feed li").last.get_attribute("data-key")
    assert key is not None
    return key


async def test_a_reader_further_down_is_not_pushed_about(desk: Desk, acme: Company) -> None:
    acme.say(*(acme.anomaly() for _ in range(60)))
    page = await desk.open()
    await expect(page.locator(".row")).to_have_count(60)
    await page.locator("#scroller").evaluate("node => node.scrollTop = 900")
    await expect(page.locator("#to-live")).to_be_visible()
    acme.say(*(acme.anomaly(person_name="New") for _ in range(7)))
    await expect(page.locator("#to-live")).to_have_text("7 newer, back to live")
    await expect(page.locator(".row")).to_have_count(60)
    await page.locator("#to-live").click()
    await expect(page.locator(".row .who").first).to_have_text("New")


async def test_a_burst_of_two_thousand_arrives_whole(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    for _ in range(20):
        acme.say(*(acme.anomaly("GEOFENCE_VIOLATION", "HIGH") for _ in range(100)))
    await expect(page.locator("[data-count=HIGH]")).to_have_text("2000")
    await expect(page.locator(".row")).to_have_count(500)
    await expect(page.locator(".notice:not(.more)")).to_have_count(3)
    await page.get_by_role("button", name="Dismiss all").click()
    await expect(page.locator(".notice:not(.more)")).to_have_count(0)


async def test_another_tenant_sees_nothing(
    desk: Desk, server: Server, acme: Company, globex: Company
) -> None:
    page = await desk.open(desk.token(tenant_id=globex.tenant_id))
    acme.say(acme.anomaly(severity="CRITICAL"))
    globex.say(globex.anomaly(person_name="Of Globex"))
    await expect(page.locator(".row .who")).to_have_text(["Of Globex"])
    assert "Mei-Ling" not in await page.content()
