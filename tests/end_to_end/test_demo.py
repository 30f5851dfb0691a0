"""Whoever types `make run` and opens the address that it prints sees anomalies arrive."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.end_to_end.make_run import make_run

ARRIVED = """
known => [...document.querySelectorAll('#feed .row')].some(row => !known.includes(row.dataset.key))
"""


@pytest.mark.browser
async def test_anomalies_of_the_demo_company_arrive_in_the_browser(tmp_path: Path) -> None:
    with make_run(tmp_path / "data", DEMO="1") as run:
        run.wait_until_ready()
        address = re.search(r"http://\S+#token=\S+", run.output)
        assert address is not None
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page()
            hosts: set[str] = set()
            page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
            await page.goto(address.group())
            await page.wait_for_selector("#state[data-state=live]", timeout=60_000)
            keys = await page.eval_on_selector_all(
                "#feed .row", "rows => rows.map(row => row.dataset.key)"
            )
            await page.wait_for_function(ARRIVED, arg=keys, timeout=120_000)
            await browser.close()
        assert hosts == {f"localhost:{run.port}"}
        for log in ("worker", "web", "demo"):
            assert "Traceback" not in (run.folder / f"{log}.log").read_text()
