"""The alert queue beside the feed: operators at work in two browsers, and silences."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from sqlalchemy import Engine, insert, update

from models.tables import alert as alerts
from models.tables import alert_anomaly, anomaly, site
from tests.browser.company import Company
from tests.browser.conftest import Desk
from tests.models.alerts.cast import open_alert

pytestmark = pytest.mark.browser


def alert(engine: Engine, acme: Company, **fields: Any) -> uuid.UUID:
    return open_alert(engine, tenant_id=acme.tenant_id, **fields)


async def open_first(page: Page) -> None:
    await page.locator(".alert-row button").first.click()
    await expect(page.locator("#alert-title")).to_be_focused()


def button(page: Page, name: str) -> Locator:
    return page.locator("#alert-panel").get_by_role("button", name=name)


async def test_the_queue_shows_what_is_open_gravest_first_and_what_comes(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    alert(engine, acme, person_name="Low", severity="LOW", person_id=1)
    alert(engine, acme, person_name="Grave", severity="CRITICAL", person_id=2, count=3)
    alert(
        engine,
        acme,
        person_name="Quiet",
        severity="CRITICAL",
        person_id=3,
        status="SUPPRESSED",
        quiet_reason="Works.",
    )
    alert(engine, acme, person_name="Done", person_id=4, status="RESOLVED")
    page = await desk.open()
    await expect(page.locator(".alert-row .who")).to_have_text(["Grave", "Low", "Quiet"])
    await expect(page.locator(".alert-row .count").first).to_have_text("× 3")
    await expect(page.locator("#queue-count")).to_have_text("2 open, 1 kept quiet")
    alert(engine, acme, person_name="New", severity="HIGH", person_id=5)
    await expect(page.locator(".alert-row .who")).to_have_text(["Grave", "New", "Low", "Quiet"])
    await expect(page.locator("#feed .row")).to_have_count(0)


async def test_of_equals_what_nobody_has_in_hand_stands_first_and_the_oldest_of_them(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    statuses = ("ACKNOWLEDGED", "NEW", "NEW", "ASSIGNED", "ESCALATED")
    for number, status in enumerate(statuses, 1):
        ago = timedelta(minutes=60 - number)
        alert(
            engine,
            acme,
            person_id=number,
            person_name=f"{status} {number}",
            status=status,
            assigned_to="bob",
            ago=ago,
        )
    page = await desk.open()
    await expect(page.locator(".alert-row .who")).to_have_text(
        ["ESCALATED 5", "NEW 2", "NEW 3", "ACKNOWLEDGED 1", "ASSIGNED 4"]
    )


async def test_what_one_operator_does_the_other_sees_and_what_is_refused_says_why(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    alert(engine, acme)
    ann = await desk.open(desk.token(sub="ann"))
    bob = await desk.open(desk.token(sub="bob"))
    for page in (ann, bob):
        await open_first(page)
    await ann.locator("#alert-note").fill("Calling the site.")
    await button(ann, "Acknowledge").click()
    await expect(ann.locator("#alert-status")).to_have_text("Acknowledged")
    await expect(bob.locator("#alert-status")).to_have_text("Acknowledged")
    await expect(bob.locator(".alert-row .status")).to_have_text("Acknowledged")
    await expect(bob.locator(".trail li").first).to_contain_text("Acknowledged by ann")
    await expect(bob.locator(".trail li").first).to_contain_text("Calling the site.")
    await expect(button(bob, "Acknowledge")).to_be_disabled()
    await button(bob, "Assign").click()
    await expect(ann.locator(".alert-row .status")).to_have_text("With bob")
    await button(ann, "Resolve").click()
    await expect(bob.locator(".alert-row")).to_have_count(0)
    await expect(bob.locator("#alert-status")).to_have_text("Resolved")


async def test_a_move_on_what_has_changed_meanwhile_is_refused_and_shows_what_it_is_now(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    alert_id = alert(engine, acme)
    page = await desk.open()
    await open_first(page)
    # Somebody else was first, and the page has not heard of it yet.
    with engine.begin() as connection:
        connection.execute(
            update(alerts)
            .where(alerts.c.alert_id == alert_id)
            .values(status="ACKNOWLEDGED", version=2)
        )
    await button(page, "Acknowledge").click()
    await expect(page.locator("#alert-problem")).to_contain_text(
        "Not done: The alert has changed since version 1"
    )
    await expect(page.locator("#alert-status")).to_have_text("Acknowledged")
    await expect(button(page, "Acknowledge")).to_be_disabled()


async def test_a_viewer_sees_the_queue_and_is_offered_no_move(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    alert(engine, acme, person_name="<img src=x onerror=document.title='owned'>")
    page = await desk.open(desk.token(role="viewer"))
    await open_first(page)
    await expect(page.locator("#alert-panel")).to_contain_text("needs the role operator")
    assert await page.locator("#alert-panel button").count() == 1
    assert "owned" not in await page.title()
    await page.keyboard.press("Escape")
    await expect(page.locator("#alert-panel")).to_be_hidden()
    await expect(page.locator(".alert-row button")).to_be_focused()


def store(engine: Engine, payload: dict[str, Any]) -> uuid.UUID:
    """Store the anomaly of a payload, and return its id."""
    anomaly_id, moment = uuid.UUID(payload["anomaly_id"]), datetime.now(UTC)
    columns = {name: value for name, value in payload.items() if name in anomaly.c}
    moments = dict.fromkeys(("occurred_at", "detected_at", "updated_at"), moment)
    with engine.begin() as connection:
        connection.execute(
            insert(anomaly),
            {
                **columns,
                **moments,
                "anomaly_id": anomaly_id,
                "shift_id": "",
                "policy_version": 1,
                "said": True,
            },
        )
    return anomaly_id


async def test_an_anomaly_is_reviewed_in_its_details(desk: Desk, acme: Company) -> None:
    acme.say(acme.anomaly(severity="LOW"))
    ann, bob = await desk.open(), await desk.open()
    await ann.locator("#feed .row button").click()
    await ann.get_by_role("button", name="False positive").click()
    for page in (ann, bob):
        await expect(page.locator("#feed .row .status")).to_have_text("False positive")
    await expect(ann.locator("#review-FALSE_POSITIVE")).to_have_attribute("aria-pressed", "true")
    await expect(ann.locator("#details .trail li")).to_contain_text(["False positive by "])


async def test_an_anomaly_of_an_alert_is_opened_reviewed_and_leads_back(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    """The anomaly is older than what the page has loaded."""
    payload = acme.anomaly(severity="LOW", explanation="It was somebody else.")
    anomaly_id, alert_id = store(engine, payload), alert(engine, acme)
    with engine.begin() as connection:
        connection.execute(
            insert(alert_anomaly),
            {"tenant_id": acme.tenant_id, "alert_id": alert_id, "anomaly_id": anomaly_id},
        )
    page = await desk.open()
    await open_first(page)
    await page.get_by_role("button", name="Detected. It was somebody else.").click()
    await expect(page.locator("#details-title")).to_be_focused()
    await page.get_by_role("button", name="Confirmed").click()
    await expect(page.locator("#review-CONFIRMED")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Escape")
    await expect(page.locator("#alert-title")).to_be_focused()
    await expect(
        page.get_by_role("button", name="Confirmed. It was somebody else.")
    ).to_be_visible()


async def test_alerts_that_belong_together_lead_to_each_other(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    correlation_id = uuid.uuid4()
    for number, name in enumerate(("Ada", "Bob"), 1):
        alert(engine, acme, person_id=number, person_name=name, correlation_id=correlation_id)
    alert(engine, acme, person_id=3, person_name="Cyd")
    page = await desk.open()
    await open_first(page)
    correlated = page.locator("#alert-correlated button")
    await expect(correlated).to_have_text(["Wrong Person at Site: Bob, Site 15"])
    await correlated.click()
    await expect(correlated).to_have_text(["Wrong Person at Site: Ada, Site 15"])


async def test_the_queue_is_one_stop_of_the_keyboard_and_says_what_happens_next(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    due = datetime.now(UTC) + timedelta(days=2)
    for number, severity in enumerate(("CRITICAL", "HIGH", "LOW"), 1):
        alert(
            engine,
            acme,
            person_id=number,
            severity=severity,
            anomaly_type="IMPOSSIBLE_SHIFTS",
            escalates_at=due,
        )
    page = await desk.open(viewport={"width": 1440, "height": 900})
    rows = page.locator(".alert-row button")
    await expect(rows).to_have_count(3)
    await expect(page.locator(".alert-row .status").first).to_contain_text("New, escalates at ")
    assert await page.locator('.alert-row button[tabindex="0"]').count() == 1
    assert await page.locator(".alert-row .what").first.evaluate(
        "node => node.scrollWidth <= node.clientWidth"
    )
    await rows.first.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(2)).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await expect(page.locator("#alert-title")).to_be_focused()
    await page.locator("#alert-note").fill("On the phone.")
    await page.keyboard.press("Enter")
    await expect(page.locator(".trail li").first).to_contain_text("Noted by")
    await expect(page.locator("#alert-note")).to_have_value("")


async def test_a_silence_is_made_listed_and_ended(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    with engine.begin() as connection:
        for site_id in (15, 16):
            row = {"tenant_id": acme.tenant_id, "site_id": site_id, "name": "A site"}
            connection.execute(insert(site), row | {"timezone": "UTC"})
    page = await desk.open(desk.token(sub="ann"))
    await page.locator("#open-quiet").click()
    await expect(page.locator(".quiets")).to_contain_text("Nothing is kept quiet.")
    form = page.locator("#new-quiet")
    await form.locator("[name=reason]").fill("Works at the gate")
    await form.get_by_role("button", name="Keep it quiet").click()
    await expect(page.locator("#quiet-problem")).to_have_text(
        "Not done: Say when it begins and ends."
    )
    ends = datetime.now(UTC) + timedelta(hours=5)
    await form.locator("[name=ends_at]").fill(ends.strftime("%Y-%m-%dT%H:%M"))
    await form.locator("[name=sites]").fill("15, 16")
    await form.get_by_role("button", name="Keep it quiet").click()
    item = page.locator(".quiets li")
    await expect(item).to_contain_text("Works at the gate")
    await expect(item).to_contain_text("by ann. For site 15 or site 16.")
    await form.locator("[name=kind]").select_option("recurring")
    await form.locator("[name=reason]").fill("Backups")
    await form.locator("[name=starts_at]").fill("2026-01-01T22:00")
    await form.locator("[name=duration_minutes]").fill("60")
    await form.locator("[name=rrule]").fill("FREQ=DAILY")
    await form.get_by_role("button", name="Keep it quiet").click()
    await expect(item).to_have_count(2)
    await item.filter(has_text="gate").get_by_role("button", name="End now").click()
    await expect(item).to_have_count(1)
    await expect(item).to_contain_text("FREQ=DAILY, from 2026-01-01 22:00")


async def test_on_a_narrow_screen_feed_and_alerts_take_turns(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    alert(engine, acme)
    page = await desk.open(viewport={"width": 390, "height": 800})
    await expect(page.locator(".queue-pane")).to_be_hidden()
    await page.locator("#to-alerts").click()
    await expect(page.locator(".alert-row")).to_be_visible()
    await expect(page.locator(".feed-pane")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.locator("#to-feed").click()
    await expect(page.locator(".feed-pane")).to_be_visible()
