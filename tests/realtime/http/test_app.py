"""What stands around the API: the dashboard's files, headers, origins."""

import shutil
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from models import intake
from realtime.http import console
from tests.realtime.cast import Feed
from tests.realtime.http.conftest import Caller

REAL_FOLDER = console.FOLDER


async def test_it_is_alive(caller: Caller) -> None:
    assert (await caller.get("/healthz", anonymous=True)).status == 200


async def test_everything_carries_its_security_headers(caller: Caller) -> None:
    for path in (
        "/",
        "/healthz",
        "/api/v1/anomalies",
        "/none",
        "/socket.io/?EIO=4&transport=polling",
    ):
        headers = (await caller.get(path, anonymous=True)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dashboard"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>hello")
    (folder / "app.js").write_text("export {};")
    (folder / console.CLIENT).write_text("export {};")
    (folder / "notes.md").write_text("not for the web")
    (tmp_path / "secret.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    monkeypatch.setattr(console, "FOLDER", folder)
    return folder


async def test_the_dashboard_is_served_with_its_types_and_etags(
    caller: Caller, folder: Path
) -> None:
    index = await caller.get("/", anonymous=True)
    assert (index.status, index.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    script = await caller.get("/dashboard/app.js", anonymous=True)
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    again = await caller.get(
        "/dashboard/app.js", anonymous=True, headers={"If-None-Match": script.headers["ETag"]}
    )
    assert again.status == 304


async def test_a_dashboard_without_its_client_says_so_in_one_sentence(
    caller: Caller, folder: Path
) -> None:
    shutil.copy(REAL_FOLDER / "incomplete.html", folder)
    (folder / console.CLIENT).unlink()
    index = await caller.get("/", anonymous=True)
    assert (index.status, index.content_type) == (503, "text/html")
    assert "lacks the dashboard's Socket.IO client" in await index.text()
    assert (await caller.get("/healthz", anonymous=True)).status == 200


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fsecret.js",
        "..%5csecret.js",
        "link.js",
        "notes.md",
        "",
        ".",
        "..",
        "%2e%2e/secret.js",
        "none.js",
        "%00.js",
    ],
)
async def test_nothing_but_the_dashboards_files_is_served(
    caller: Caller, folder: Path, name: str
) -> None:
    import yarl

    async with aiohttp.ClientSession() as session:
        url = yarl.URL(f"{caller._server.url}/dashboard/{name}", encoded=True)
        async with session.get(url) as response:
            assert response.status == 404
            assert "secret" not in await response.text()


async def test_other_origins_are_let_in_only_where_they_are_named(
    start_server: Any, feed: Feed
) -> None:
    strict = await start_server()
    open_ = await start_server(CORS_ORIGINS="https://noc.example.com")
    evil, good = {"Origin": "https://evil.example.com"}, {"Origin": "https://noc.example.com"}
    polling = "/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as session:
        for server, origin, allowed in (
            (strict, good, False),
            (strict, evil, False),
            (open_, evil, False),
            (open_, good, True),
        ):
            caller = Caller(session, server)
            listed = await caller.get("/api/v1/anomalies", headers=origin)
            assert (
                listed.headers.get("Access-Control-Allow-Origin") == origin["Origin"]
            ) is allowed
            preflight = await caller.ask(
                "OPTIONS",
                "/api/v1/punches",
                anonymous=True,
                headers=origin | {"Access-Control-Request-Method": "POST"},
            )
            assert (preflight.status == 204) is allowed
            assert (
                (await caller.get(polling, anonymous=True, headers=origin)).status == 200
            ) is allowed
        assert (
            await Caller(session, strict).get(
                polling, anonymous=True, headers={"Origin": strict.url}
            )
        ).status == 200


async def test_errors_are_json_and_say_nothing_of_the_inside(caller: Caller, feed: Feed) -> None:
    response = await caller.get("/api/v1/none", anonymous=True)
    assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")
    response = await caller.ask("DELETE", "/api/v1/anomalies")
    assert response.status == 405
    feed.run("ALTER TABLE anomaly RENAME TO hidden", {})
    response = await caller.get("/api/v1/anomalies")
    assert (response.status, (await response.json())["error"]["code"]) == (503, "unavailable")
    assert "anomaly" not in await response.text()


async def test_a_database_that_dies_in_the_middle_of_a_statement_is_unavailable(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What writes speaks to psycopg directly, whose errors are its own then."""

    def dies(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("terminating connection due to administrator command")

    monkeypatch.setattr(intake, "submit", dies)
    response = await caller.ask("POST", "/api/v1/punches", data="{}", role="admin")
    assert (response.status, (await response.json())["error"]["code"]) == (503, "unavailable")
