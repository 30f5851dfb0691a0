"""The process: how it starts, what it says when it cannot, and how it ends."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import aiohttp
import jwt
import pytest

from models.migrations.revision import newest_revision
from models.version import rollcall_version
from tests.realtime.cast import ACME, Feed, anomaly_said, eventually, settings_of

pytestmark = pytest.mark.process


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "realtime", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_prints_a_token_for_whom_one_asks(settings_env: dict[str, str]) -> None:
    done = run(
        settings_env,
        "token",
        "--tenant",
        "7",
        "--sites",
        "15,16",
        "--role",
        "operator",
        "--sub",
        "bob",
        "--ttl",
        "60",
    )
    claims = jwt.decode(done.stdout.strip(), settings_env["JWT_SECRET"], algorithms=["HS256"])
    assert abs(claims.pop("exp") - time.time() - 60) < 30
    assert claims == {"sub": "bob", "tenant_id": 7, "sites": [15, 16], "role": "operator"}


def test_every_setting_that_is_wrong_is_named_at_once(settings_env: dict[str, str]) -> None:
    done = run(settings_env | {"DATABASE_URL": "mysql://x/", "JWT_SECRET": "", "PORT": "eighty"})
    assert done.returncode == 2
    assert all(name in done.stderr for name in ("DATABASE_URL", "JWT_SECRET", "PORT"))
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_clear_message(settings_env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(settings_env | {"PORT": str(port)})
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_metrics_port_in_use_is_one_clear_message(settings_env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(settings_env | {"METRICS_PORT": str(port)})
    assert done.returncode == 1
    assert (
        f"rollcall: port {port} of 127.0.0.1 is in use; set METRICS_PORT to a free one"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_a_metrics_host_that_is_not_this_machine_is_one_clear_message(
    settings_env: dict[str, str],
) -> None:
    for host in ("192.0.2.1", "no.such.host.invalid"):
        done = run(settings_env | {"METRICS_HOST": host})
        assert done.returncode == 1
        assert f"rollcall: METRICS_HOST {host} is no address of this machine" in done.stderr
        assert "Traceback" not in done.stderr


async def test_it_says_where_its_metrics_are_and_shows_them_to_nobody_else(
    settings_env: dict[str, str],
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "realtime", env=settings_env, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    first, said = [json.loads(await process.stderr.readline()) for _ in range(2)]
    assert (first["event"], first["version"], first["revision"]) == (
        "starting",
        rollcall_version(),
        newest_revision(),
    )
    assert said["event"] == "listening" and said["metrics"].startswith("http://127.0.0.1:")
    async with aiohttp.ClientSession() as session:
        async with session.get(said["metrics"]) as response:
            assert (response.status, "rollcall_viewers" in await response.text()) == (200, True)
        async with session.get(f"http://127.0.0.1:{settings_env['PORT']}/metrics") as response:
            assert response.status == 404
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0


async def test_it_ends_at_once_and_its_viewers_come_back_by_themselves(
    settings_env: dict[str, str], start_node: Any
) -> None:
    feed = Feed(settings_of(settings_env))
    feed.open(ACME)
    url = f"http://127.0.0.1:{settings_env['PORT']}"
    process = await start_process(settings_env, url)
    viewers = [await start_node(url), await start_node(url, transports=["polling"])]
    for viewer in viewers:
        await viewer.until_heard("snapshot")
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(8):
        assert await process.wait() == 0
    feed.say(ACME, anomaly_said(), anomaly_said())
    again = await start_process(settings_env, url)
    for viewer in viewers:
        await viewer.until_position(2)
        assert viewer.positions() == [1, 2]
        assert [note["recovered"] for note in viewer.noted("connect")] == [False, True]
    again.send_signal(signal.SIGINT)
    assert await again.wait() == 0
    feed.close()


async def start_process(environment: dict[str, str], url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "realtime", env=environment
    )
    up = False

    async def ask() -> None:
        nonlocal up
        async with aiohttp.ClientSession() as session:
            while not up:
                try:
                    async with session.get(f"{url}/healthz") as response:
                        up = response.status == 200
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    asking = asyncio.create_task(ask())
    await eventually(lambda: up, "the server does not come up")
    await asking
    return process
