"""Ids that are strings: the page tells them from integers, in what it shows and what it asks."""

from typing import Any

import pytest
from playwright.async_api import expect
from sqlalchemy import Engine

from models.ids import StringId
from models.numbering import store
from tests.browser.company import Company
from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser

HARBOUR = 'a_b, "c" 100%'


def ticket(acme: Company, site_id: object, title: str) -> dict[str, Any]:
    body = {"type": "ticket_updated", "tenant_id": acme.tenant_id, "site_id": site_id}
    return body | {"severity": "HIGH", "title": title, "timestamp": "2026-11-23T08:00:00Z"}


async def test_15_and_its_string_are_two_sites_to_the_filter(
    desk: Desk, acme: Company, engine: Engine
) -> None:
    named = store(engine, [], ((acme.tenant_id, StringId(text)) for text in ("15", HARBOUR)))
    strings = [named.id(acme.tenant_id, StringId(text)) for text in ("15", HARBOUR)]
    acme.say(
        ticket(acme, 15, "of the integer"),
        ticket(acme, strings[0], "of the string"),
        ticket(acme, strings[1], "of the harbour"),
    )
    page = await desk.open()
    rows = page.locator(".row")
    await expect(rows).to_have_count(3)
    await page.get_by_label('Site "15"', exact=True).check()
    await expect(page.locator("#in-force")).to_have_text('In force: Site "15"')
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text(["of the string"])
    await expect(page.get_by_label("Site 15", exact=True)).not_to_be_checked()
    await page.reload()
    await expect(page.locator("#in-force")).to_have_text('In force: Site "15"')
    await expect(page.get_by_label('Site "15"', exact=True)).to_be_checked()
    await page.get_by_role("button", name="Clear filter").click()
    await expect(rows).to_have_count(3)
    await page.get_by_label("Add a site by its id").fill("harbour")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#in-force")).to_have_text("Showing everything you may see")
    await page.get_by_label("Add a site by its id").fill('"a%5Fb%2C %22c%22 100%25"')
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#in-force")).to_have_text(f'In force: Site "{HARBOUR}"')
    await expect(rows).to_contain_text(["of the harbour"])
