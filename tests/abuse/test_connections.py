"""Connections: those that say nothing, half of something or nonsense lock nobody out."""

import asyncio
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Installation
from tests.abuse.raw_websocket import raw_websocket
from tests.end_to_end.waiting import wait_until

# More than the usual 1,024 files of a process.
HALF_HEADS = 1_100
BAD_TOKENS = 600
# Refusals of one address that are answered at once, and how many a second after these.
AT_ONCE, A_SECOND = 40, 20
GUESSES_SECONDS = 6


def test_heads_that_are_half_sent_lock_nobody_out(installation: Installation) -> None:
    token = installation.token(installation.found())
    with healthy_viewer(installation) as viewer, ExitStack() as stack:
        for _ in range(HALF_HEADS):
            half = stack.enter_context(_connection(installation))
            half.sendall(b"GET /healthz HTTP/1.1\r\nHost: ro")
        # Once they are silent, each newcomer has one of them make room for it.
        wait_until(lambda: _gets_in(installation, token), "a newcomer gets in")
        viewer.go_on()
        assert _gets_in(installation, token)


def test_guessed_tokens_are_slowed_down(installation: Installation) -> None:
    with healthy_viewer(installation) as viewer:
        refused = asyncio.run(_guess(installation))
        viewer.go_on()
    assert AT_ONCE <= refused <= AT_ONCE + A_SECOND * (GUESSES_SECONDS + 1)


def test_viewers_of_one_user_beyond_what_it_may_have_are_refused(
    installation: Installation,
) -> None:
    ours = installation.found()
    server = installation.stage.web(CONNECTIONS_PER_USER="5")
    try:
        token = installation.token(ours, sub="eve")
        with healthy_viewer(installation, url=server.url, ours=ours), ExitStack() as stack:
            answers = []
            for _ in range(8):
                raw = stack.enter_context(raw_websocket(server.url))
                raw.send(f'40/noc,{{"token": "{token}"}}')
                answers.append(next(text for text in raw.texts() if text.startswith("4")))
    finally:
        server.stop()
    assert [answer.startswith("40/noc") for answer in answers] == [True] * 5 + [False] * 3
    assert all('"unavailable"' in answer for answer in answers[5:])


def _connection(installation: Installation) -> socket.socket:
    address = urlsplit(installation.server.url)
    return socket.create_connection((address.hostname, address.port), 20)


def _gets_in(installation: Installation, token: str) -> bool:
    try:
        return installation.ask("/api/v1/alerts", token).status == 200
    except OSError:
        return False


async def _guess(installation: Installation) -> int:
    """Send guesses, all at once, for some seconds; return how many were answered as refused."""
    address = urlsplit(installation.server.url)
    head = b"GET /api/v1/alerts HTTP/1.1\r\nHost: rollcall\r\nAuthorization: Bearer no\r\n\r\n"

    async def guess() -> int:
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(head)
            line = await reader.readline()
            writer.close()
        except OSError:
            return 0
        return int(b" 401 " in line)

    guesses = [asyncio.create_task(guess()) for _ in range(BAD_TOKENS)]
    done, late = await asyncio.wait(guesses, timeout=GUESSES_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return sum(task.result() for task in done)
