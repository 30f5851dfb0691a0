"""Small doors: what a client may send that no client of ours does. It is told so, and nothing else
happens.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.abuse.cast import SITE
from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Answer, Installation
from tests.abuse.raw_websocket import RawWebsocket, raw_websocket
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Backstage
from tests.chaos.viewers import PythonClient, Scope, Viewer
from tests.end_to_end.waiting import wait_until

ALERTS = "/api/v1/alerts"
ROUNDS = 5
EXPIRES_SECONDS = 3
# Each is a claim that makes a token no token. Half of a surrogate pair comes as an escape.
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "exp in words": {"exp": "tomorrow"},
    "exp as text": {"exp": "4102444800"},
    "exp beyond any calendar": {"exp": 10**30},
    "exp of 400 digits": {"exp": 10**400},
    "exp without end": {"exp": float("inf")},
    "exp that is no number": {"exp": float("nan")},
    "NUL in sub": {"sub": "ali\0ce"},
    "half a surrogate in sub": {"sub": "ali\ud800ce"},
}
Door = Callable[[Installation, int], str]


def bad_tokens(installation: Installation, hostile: int) -> str:
    """Try tokens with bad claims, by REST and by Socket.IO; return what was wrong."""
    wrong = []
    for name, claims in BAD_CLAIMS.items():
        token = installation.token(hostile, **claims)
        answer = installation.ask(ALERTS, token)
        if (answer.status, answer.code) != (401, "token_invalid"):
            wrong.append(f"{name} by REST: {_short(answer)}")
        refusal = _connect(installation, token)
        if '"token_invalid"' not in refusal:
            wrong.append(f"{name} by Socket.IO: {refusal[:80]}")
    return "; ".join(wrong)


def a_token_of_nine_kilobytes(installation: Installation, hostile: int) -> str:
    answer = installation.ask(ALERTS, installation.token(hostile, padding="x" * 9_000))
    told = 200 <= answer.status < 300 or (400 <= answer.status < 500 and answer.code)
    return "" if told else _short(answer)


def a_policy_version_of_33_bits(installation: Installation, hostile: int) -> str:
    path = f"/api/v1/precision?policy_version={2**31}"
    answer = installation.ask(path, installation.token(hostile, "admin"))
    return "" if answer.status in (200, 400) else _short(answer)


def an_unmasked_frame(installation: Installation, hostile: int) -> str:
    with raw_websocket(installation.server.url) as websocket:
        texts = websocket.texts()
        opened = next(texts)
        assert opened.startswith("0"), opened
        auth = json.dumps({"token": installation.token(hostile)})
        websocket.send(f"40/noc,{auth}", masked=False)
        try:
            answer = next(texts, "")
        except TimeoutError:
            return "the connection stays open"
        return f"was answered {answer[:40]}" if answer else ""


def an_event_named_disconnect(installation: Installation, hostile: int) -> str:
    """Emit it, and see that the token's end is the connection's all the same."""
    token = installation.token(hostile, exp=time.time() + EXPIRES_SECONDS)
    with raw_websocket(installation.server.url) as websocket:
        texts = websocket.texts()
        _open(websocket, token)
        websocket.send('42/noc,1["disconnect"]')
        last = ""
        deadline = time.monotonic() + EXPIRES_SECONDS + 10
        try:
            for last in texts:
                if time.monotonic() > deadline:
                    return f"lives on after its token's end: {last[:40]}"
        except TimeoutError:
            return f"lives on after its token's end: {last[:40]}"
        return ""


def an_older_wider_token(installation: Installation, hostile: int) -> str:
    """Narrow what a connection sees by a newer token, and ask for more by the older one."""
    now = time.time()
    wide = installation.token(hostile, iat=now - 600, exp=now + 3_000)
    narrow = installation.token(hostile, sites=[SITE], iat=now, exp=now + 3_600)
    backstage = Backstage()
    client = PythonClient(Viewer("hostile", Scope(hostile), Ledger()), narrow)
    try:
        backstage.run(client.connect(installation.server.url, ["websocket"]))
        wait_until(lambda: client.viewer.ledger.ready, "it is let in")
        answer = backstage.run(client.ask("refresh", {"token": wide}, 20))
    finally:
        backstage.run(client.close())
        backstage.close()
    return f"was answered {answer}" if answer["ok"] else ""


DOORS: tuple[Door, ...] = (
    bad_tokens,
    a_token_of_nine_kilobytes,
    a_policy_version_of_33_bits,
    an_unmasked_frame,
    an_event_named_disconnect,
    an_older_wider_token,
)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_a_small_door_is_shut(installation: Installation, door: Door) -> None:
    assert door(installation, installation.idle[0]) == ""


def test_who_rattles_at_small_doors_disturbs_nobody(installation: Installation) -> None:
    """Whether or not they are shut: that is the other test."""
    hostile = installation.found()
    with healthy_viewer(installation) as viewer:
        for _ in range(ROUNDS):
            bad_tokens(installation, hostile)
            a_token_of_nine_kilobytes(installation, hostile)
            a_policy_version_of_33_bits(installation, hostile)
            an_older_wider_token(installation, hostile)
        viewer.go_on()
        assert installation.server.is_healthy()


def _connect(installation: Installation, token: str) -> str:
    """Ask to be let in, and return the answer."""
    with raw_websocket(installation.server.url) as websocket:
        return _open(websocket, token)


def _open(websocket: RawWebsocket, token: str) -> str:
    websocket.send(f"40/noc,{json.dumps({'token': token})}")
    return next((text for text in websocket.texts() if text.startswith("4")), "nothing")


def _short(answer: Answer) -> str:
    return f"{answer.status} {str(answer.content)[:80]}"
