"""The page itself: which hosts it asks, what it lets run, and whether everyone can use it."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.company import Company
from tests.browser.conftest import Desk
from tests.browser.server import Server

pytestmark = pytest.mark.browser

# Lists the texts whose contrast is too low by WCAG 2.2, 1.4.3: the ratio of the relative luminances
# of a text and of what is behind it.
POOR_CONTRASTS = """
() => {
  const IGNORED = ":disabled, :disabled *, .unseen, .skip, noscript, noscript *";
  const rgba = (text) => {
    const values = text.match(/[\\d.]+/g).map(Number);
    return values.length === 4 ? values : [...values, 1];
  };
  const channel = (value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    const colour = rgba(getComputedStyle(node).backgroundColor);
    return colour[3] === 1 ? colour : behind(node.parentElement);
  };
  const isText = (child) => child.nodeType === Node.TEXT_NODE && child.data.trim();
  const hasText = (node) => [...node.childNodes].some(isText);
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    if (!hasText(node) || !node.checkVisibility() || node.matches(IGNORED)) continue;
    const text = luminance(rgba(getComputedStyle(node).color));
    const background = luminance(behind(node));
    const ratio = (Math.max(text, background) + 0.05) / (Math.min(text, background) + 0.05);
    const start = node.textContent.slice(0, 30);
    if (ratio < 4.5) poor.push(`${node.className || node.tagName}: ${start} (${ratio.toFixed(2)})`);
  }
  return poor;
}
"""


WRITE_MARKUP = """() => {
  try { document.body.innerHTML = "<p>x</p>"; } catch (error) { return error.name; }
  return "";
}"""


async def test_no_other_host_is_asked_and_no_policy_is_violated(
    desk: Desk, server: Server, acme: Company
) -> None:
    page = await desk.blank()
    answer = await page.goto(f"{server.url}/#token={desk.token()}")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    await expect(page.locator("#state-text")).to_have_text("Live")
    acme.say(acme.anomaly(severity="CRITICAL"))
    await page.locator(".row button").click()
    await expect(page.locator("#details")).to_be_visible()
    assert desk.hosts == {server.url.removeprefix("http://")}
    assert desk.complaints == []


async def test_markup_and_inline_scripts_are_refused_by_the_browser_itself(
    desk: Desk, acme: Company
) -> None:
    page = await desk.open()
    assert await page.evaluate(WRITE_MARKUP) == "TypeError"
    assert all("require" in complaint for complaint in desk.complaints)
    desk.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_enough_contrast(desk: Desk, acme: Company, scheme: str) -> None:
    page = await desk.open(color_scheme=scheme)
    await _fill(page, acme)
    assert await page.evaluate(POOR_CONTRASTS) == []


@pytest.mark.parametrize("width", [360, 820, 1366])
async def test_nothing_sticks_out_sideways(desk: Desk, acme: Company, width: int) -> None:
    page = await desk.open(viewport={"width": width, "height": 768})
    await _fill(page, acme)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        await page.locator("#details").evaluate("node => node.getBoundingClientRect().right")
        <= width
    )


async def test_the_feed_is_walked_with_the_arrow_keys(desk: Desk, acme: Company) -> None:
    page = await desk.open()
    acme.say(*(acme.anomaly(person_name=f"P{number}") for number in range(5)))
    await expect(page.locator(".row")).to_have_count(5)
    await expect(page.locator('.row button[tabindex="0"]')).to_have_count(1)
    await page.locator('.row button[tabindex="0"]').focus()
    for key, name in (("Home", "P4"), ("ArrowDown", "P3"), ("End", "P0"), ("ArrowUp", "P1")):
        await page.keyboard.press(key)
        await expect(page.locator(".row button:focus .who")).to_have_text(name)
    await page.keyboard.press("Enter")
    await expect(page.locator("#details")).to_contain_text("P1")


async def _fill(page: Page, acme: Company) -> None:
    """Show one anomaly of each severity, a withdrawn one, notices, and the details of one."""
    gone = acme.anomaly(severity="HIGH")
    acme.say(
        *(acme.anomaly(severity=severity) for severity in ("LOW", "MEDIUM", "HIGH", "CRITICAL")),
        gone,
    )
    acme.say(gone | {"type": "anomaly_updated", "status": "WITHDRAWN"})
    await expect(page.locator(".row .status", has_text="Withdrawn")).to_have_count(1)
    await page.locator(".row button").last.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#details")).to_be_visible()
