"""HIGH and CRITICAL news interrupts: it is shown, read out, and counted in the title."""

import pytest
from playwright.async_api import expect

from tests.browser.company import Company
from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser


async def test_a_critical_anomaly_is_noticed_read_out_and_counted(
    desk: Desk, acme: Company
) -> None:
    acme.say(acme.anomaly(severity="CRITICAL", person_name="Known before"))
    page = await desk.open()
    await expect(page.locator(".row")).to_have_count(1)
    acme.say(acme.anomaly(severity="LOW"), acme.anomaly(severity="CRITICAL", person_name="Sam Ng"))
    notice = page.locator(".notice:not(.more)")
    await expect(notice).to_have_count(1)
    await expect(notice).to_contain_text("Sam Ng · Main Office")
    await expect(page.locator("#announcer")).to_have_attribute("aria-live", "assertive")
    await expect(page.locator("#announcer")).to_contain_text("CRITICAL: Wrong Person at Site")
    await expect(page).to_have_title("(1) Rollcall")
    await notice.get_by_role("button", name="Show details").click()
    await expect(page.locator("#details")).to_contain_text("Sam Ng")
    await expect(notice).to_have_count(0)
    await expect(page).to_have_title("Rollcall")


async def test_an_update_interrupts_only_where_it_got_graver(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    anomaly = acme.anomaly(severity="MEDIUM")
    update = anomaly | {"type": "anomaly_updated"}
    acme.say(anomaly, update | {"severity": "HIGH", "prior_severity": "MEDIUM"})
    notice = page.locator(".notice:not(.more)")
    await expect(notice).to_have_count(1)
    await notice.get_by_role("button", name="Dismiss").click()
    acme.say(update | {"severity": "HIGH", "status": "CONFIRMED", "prior_severity": "HIGH"})
    await expect(page.locator(".row .status")).to_have_text("Confirmed")
    await expect(notice).to_have_count(0)


async def test_a_notice_goes_when_its_anomaly_is_withdrawn(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    anomaly = acme.anomaly(severity="CRITICAL")
    acme.say(anomaly)
    await expect(page.locator(".notice:not(.more)")).to_have_count(1)
    acme.say(anomaly | {"type": "anomaly_updated", "status": "WITHDRAWN"})
    await expect(page.locator(".notice:not(.more)")).to_have_count(0)
    await expect(page).to_have_title("Rollcall")


async def test_sound_is_off_until_it_is_asked_for(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    sound = page.locator("#sound")
    await expect(sound).to_have_attribute("aria-pressed", "false")
    await sound.click()
    await expect(sound).to_have_text("Sound on")
    acme.say(acme.anomaly(severity="CRITICAL"))
    await expect(page.locator(".notice:not(.more)")).to_have_count(1)
