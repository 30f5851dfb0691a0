"""Published keys: known ones make nobody wait for their issuer, withdrawn ones let nobody stay."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from structlog.testing import capture_logs

from realtime import published_keys
from realtime.admission import ADMIT_SECONDS
from realtime.published_keys import NoKeys, PublishedKeys, fetch_keys, read_keys
from realtime.tokens import Verifier
from tests.realtime.cast import Connect, Feed, eventually, settings_of
from tests.realtime.issuer import Handler, Issuer, as_jwk, code_of, say, signed

STRANGERS = 60


@pytest.fixture(scope="module")
def now_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def next_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def issuer(now_key: ec.EllipticCurvePrivateKey) -> Iterator[Issuer]:
    """Publishes a key under the id `now`."""
    issuer = Issuer()
    issuer.keys = [as_jwk(now_key, kid="now", use="sig", alg="ES256")]
    yield issuer
    issuer.close()


@pytest.fixture
def verifier(plain: dict[str, str], issuer: Issuer) -> Iterator[Verifier]:
    verifier = Verifier(settings_of(plain, JWT_JWKS_URL=issuer.url, JWT_AUDIENCE="noc"))
    yield verifier
    published_of(verifier).close()


def published_of(verifier: Verifier) -> PublishedKeys:
    assert verifier.published
    return verifier.published


@pytest.fixture
async def watched(
    verifier: Verifier, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Verifier]:
    """A verifier that has the keys, and fetches them again and again."""
    monkeypatch.setattr(published_keys, "REFRESH_SECONDS", 0.02)
    monkeypatch.setattr(published_keys, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.02)
    watch = asyncio.create_task(published_of(verifier).watch())
    await eventually(lambda: issuer.asked > 1)
    yield verifier
    issuer.open.set()
    watch.cancel()
    await asyncio.wait([watch])


async def asked_again(issuer: Issuer) -> None:
    """Wait until a fetch that began after now has ended, as the next one has begun."""
    asked = issuer.asked
    await eventually(lambda: issuer.asked > asked + 2)


async def test_published_keys_are_fetched_once_and_unknown_ones_not_asked_for_again_and_again(
    verifier: Verifier, issuer: Issuer, now_key: Any
) -> None:
    for _ in range(5):
        assert (await verifier.verify(signed(now_key, "now"))).sub == "alice"
    assert issuer.asked == 1
    for number in range(5):
        assert await code_of(verifier, signed(now_key, f"old-{number}")) == "unavailable"
    assert issuer.asked == 1


async def test_a_key_that_is_new_in_the_pause_waits_for_its_end(
    verifier: Verifier,
    issuer: Issuer,
    now_key: Any,
    next_key: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.3)
    await verifier.verify(signed(now_key, "now"))
    issuer.keys.append(as_jwk(next_key, kid="next"))
    tokens = [signed(next_key, "next") for _ in range(5)]
    claims = await asyncio.gather(*map(verifier.verify, tokens))
    assert [claim.sub for claim in claims] == ["alice"] * 5
    assert issuer.asked == 2


async def test_a_key_that_nobody_was_asked_for_is_not_remembered_as_unknown(
    verifier: Verifier, issuer: Issuer, now_key: Any, next_key: Any
) -> None:
    await verifier.verify(signed(now_key, "now"))
    issuer.keys.append(as_jwk(next_key, kid="next"))
    assert await code_of(verifier, signed(next_key, "next")) == "unavailable"
    published_of(verifier)._ask_again_at = 0.0  # the pause is over
    assert (await verifier.verify(signed(next_key, "next"))).sub == "alice"


async def test_a_fetch_that_began_before_a_token_came_does_not_make_its_key_unknown(
    verifier: Verifier,
    issuer: Issuer,
    now_key: Any,
    next_key: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.0)
    before = json.dumps({"keys": issuer.keys}).encode()
    issuer.answer = lambda request: (
        say(request, before) if issuer.asked == 1 else issuer.publish(request)
    )
    issuer.open.clear()
    early = asyncio.create_task(verifier.verify(signed(now_key, "now")))
    await eventually(lambda: issuer.asked == 1)
    issuer.keys.append(as_jwk(next_key, kid="next"))
    late = asyncio.create_task(verifier.verify(signed(next_key, "next")))
    await asyncio.sleep(0)  # it waits for the fetch under way
    issuer.open.set()
    assert (await early).sub == (await late).sub == "alice"
    assert issuer.asked == 2


def test_those_who_wait_are_answered_before_their_admission_is_given_up() -> None:
    assert published_keys.WAIT_SECONDS < ADMIT_SECONDS


async def test_a_key_that_replaced_another_under_its_id_is_found(
    verifier: Verifier,
    issuer: Issuer,
    now_key: Any,
    next_key: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.0)
    await verifier.verify(signed(now_key, "now"))
    issuer.keys = [as_jwk(next_key, kid="now")]
    assert (await verifier.verify(signed(next_key, "now"))).sub == "alice"
    assert issuer.asked == 2
    # Not missed twice yet.
    assert (await verifier.verify(signed(now_key, "now"))).sub == "alice"
    assert issuer.asked == 2


async def test_bad_signatures_have_nobody_asked_in_the_pause(
    verifier: Verifier, issuer: Issuer, now_key: Any, next_key: Any
) -> None:
    await verifier.verify(signed(now_key, "now"))
    published_of(verifier)._ask_again_at = 0.0  # the pause is over
    for _ in range(5):
        assert await code_of(verifier, signed(next_key, "now")) == "token_invalid"
    assert issuer.asked == 2


async def test_a_key_is_withdrawn_when_two_fetches_apart_miss_it(
    verifier: Verifier,
    issuer: Issuer,
    now_key: Any,
    next_key: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [*issuer.keys, as_jwk(next_key, kid="next")]
    published, withdrawn = published_of(verifier), asyncio.Event()
    published.withdrawn = withdrawn.set
    # Two nodes of the issuer, of which one is behind, and answers now and then.
    for keys in (both, both[1:], both, both[1:], both[1:]):
        issuer.keys = keys
        await published._fetched()
        claims = await verifier.verify(signed(now_key, "now"))
        assert published.holds(claims.key_print)
    assert not withdrawn.is_set()
    monkeypatch.setattr(published_keys, "CONFIRM_SECONDS", 0.0)
    await published._fetched()
    assert withdrawn.is_set()
    assert not published.holds(claims.key_print)
    assert (await verifier.verify(signed(next_key, "next"))).sub == "alice"


async def test_a_key_that_somebody_elses_fetch_misses_is_looked_for_soon(
    verifier: Verifier, issuer: Issuer, next_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "CONFIRM_SECONDS", 0.05)  # the next refresh is far away
    published, withdrawn = published_of(verifier), asyncio.Event()
    published.withdrawn = withdrawn.set
    watch = asyncio.create_task(published.watch())
    await eventually(lambda: published._keys)
    issuer.keys = [as_jwk(next_key, kid="next")]
    await published._fetched()
    await eventually(withdrawn.is_set)
    watch.cancel()
    await asyncio.wait([watch])


async def test_a_key_that_is_new_is_found_and_an_unknown_one_is_remembered(
    verifier: Verifier,
    issuer: Issuer,
    now_key: Any,
    next_key: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.0)
    await verifier.verify(signed(now_key, "now"))
    issuer.keys.append(as_jwk(next_key, kid="next"))
    assert (await verifier.verify(signed(next_key, "next"))).sub == "alice"
    assert issuer.asked == 2
    for _ in range(5):
        assert await code_of(verifier, signed(next_key, "old")) == "token_invalid"
    assert issuer.asked == 3


async def test_no_more_unknown_ids_are_remembered_than_there_is_room_for(
    verifier: Verifier, now_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(published_keys, "MOST_UNKNOWN", 3)
    for number in range(9):
        assert await code_of(verifier, signed(now_key, f"old-{number}")) == "token_invalid"
    assert list(published_of(verifier)._unknown) == ["old-6", "old-7", "old-8"]


async def test_what_no_published_key_can_have_signed_asks_nobody(
    verifier: Verifier, issuer: Issuer, now_key: Any
) -> None:
    for wrong in (
        "nonsense",
        signed("a" * 64, "now", "HS256"),
        signed(now_key),
        signed(now_key, "x" * 501),
        signed(rsa.generate_private_key(65537, 2048), "now", "PS512"),
    ):
        assert await code_of(verifier, wrong) == "token_invalid"
    assert issuer.asked == 0


async def test_an_issuer_that_is_away_from_the_start_makes_it_unavailable(
    plain: dict[str, str], now_key: Any
) -> None:
    settings = settings_of(plain, JWT_JWKS_URL="http://127.0.0.1:9/", JWT_AUDIENCE="noc")
    verifier = Verifier(settings)
    assert await code_of(verifier, signed(now_key, "now")) == "unavailable"
    assert await code_of(verifier, "nonsense") == "token_invalid"
    published_of(verifier).close()


def away(request: Handler) -> None:
    request.close_connection = True
    request.connection.close()


def elsewhere(request: Handler) -> None:
    say(request, b"", 302, Location="http://127.0.0.1:9/keys")


@pytest.mark.parametrize(
    "answer",
    [
        away,
        elsewhere,
        lambda request: say(request, b"oops", 500),
        lambda request: say(request, b"<html>"),
        lambda request: say(request, b"[]"),
        lambda request: say(request, b'{"keys": []}'),
        lambda request: say(request, b'{"keys": {"kid": 1}}'),
        lambda request: say(request, b'{"keys": [1, {}, {"kid": "now", "kty": "RSA"}]}'),
        lambda request: say(request, b" " * 1_100_000 + b'{"keys": []}'),
    ],
    ids="away moved broken html list empty object nonsense large".split(),
)
async def test_known_keys_go_on_while_the_issuer_is_away_or_talks_nonsense(
    watched: Verifier, issuer: Issuer, now_key: Any, answer: Callable[[Handler], None]
) -> None:
    issuer.answer = answer
    await asked_again(issuer)
    assert (await watched.verify(signed(now_key, "now"))).sub == "alice"
    assert await code_of(watched, signed(now_key, "next")) == "unavailable"
    issuer.answer = issuer.publish
    await asked_again(issuer)
    assert await code_of(watched, signed(now_key, "next")) == "token_invalid"


async def test_keys_that_were_not_seen_for_a_day_are_not_believed(
    watched: Verifier, issuer: Issuer, now_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.answer = away
    await asked_again(issuer)
    monkeypatch.setattr(published_keys, "KNOWN_SECONDS", 0.0)
    assert await code_of(watched, signed(now_key, "now")) == "unavailable"


async def test_strangers_and_a_slow_issuer_hold_up_nobody_else(
    verifier: Verifier, issuer: Issuer, now_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "PAUSE_SECONDS", 0.0)
    await verifier.verify(signed(now_key, "now"))
    issuer.open.clear()
    strangers = [
        asyncio.create_task(code_of(verifier, signed(now_key, f"stranger-{number}")))
        for number in range(STRANGERS)
    ]
    await eventually(lambda: issuer.asked == 2)
    # Operators' moves are made in these threads.
    await asyncio.to_thread(int)
    assert (await verifier.verify(signed(now_key, "now"))).sub == "alice"
    assert not any(stranger.done() for stranger in strangers)
    issuer.open.set()
    assert await asyncio.gather(*strangers) == ["token_invalid"] * STRANGERS
    assert issuer.asked == 2


async def test_no_more_wait_for_a_fetch_than_there_is_room_for(
    verifier: Verifier, issuer: Issuer, now_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "MOST_WAITING", 2)
    issuer.open.clear()
    waiting = [asyncio.create_task(verifier.verify(signed(now_key, "now"))) for _ in range(2)]
    await eventually(lambda: issuer.asked == 1)
    assert await code_of(verifier, signed(now_key, "now")) == "unavailable"
    issuer.open.set()
    assert [claims.sub for claims in await asyncio.gather(*waiting)] == ["alice"] * 2


async def test_one_who_stops_waiting_stops_nobody_else(
    verifier: Verifier, issuer: Issuer, now_key: Any
) -> None:
    issuer.open.clear()
    impatient, patient = (
        asyncio.create_task(verifier.verify(signed(now_key, "now"))) for _ in range(2)
    )
    await eventually(lambda: issuer.asked == 1)
    impatient.cancel()
    await asyncio.wait([impatient])
    issuer.open.set()
    assert (await patient).sub == "alice"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
async def test_an_issuer_that_drips_is_given_up_in_time(
    verifier: Verifier,
    issuer: Issuer,
    now_key: Any,
    first: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = threading.Event()

    def drip(request: Handler) -> None:
        try:
            request.wfile.write(first or b"HTTP/1.1 200 OK\r\n")
            while True:
                request.wfile.write(b" " if first else b"X: y\r\n")
                time.sleep(0.05)  # so that no single wait is long
        except OSError:
            left.set()

    monkeypatch.setattr(published_keys, "FETCH_SECONDS", 0.5)
    issuer.answer = drip
    assert await code_of(verifier, signed(now_key, "now")) == "unavailable"
    assert await asyncio.to_thread(left.wait, 20)


async def test_a_token_needs_the_audience_that_is_set(
    verifier: Verifier, issuer: Issuer, now_key: Any
) -> None:
    assert await code_of(verifier, signed(now_key, "now", aud="shop")) == "token_invalid"
    assert await code_of(verifier, signed(now_key, "now", without_aud=True)) == "token_invalid"


def keys_of(*entries: object) -> dict[str, list[frozenset[str]]]:
    read = read_keys(json.dumps({"keys": entries}).encode())
    return {key_id: [key.algorithms for key in keys] for key_id, keys in read.items()}


RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})


def test_a_key_is_for_the_algorithms_of_its_own_type() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    p384, edwards = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
    assert keys_of(
        as_jwk(rsa_key, kid="any"),
        as_jwk(rsa_key, kid="one", alg="PS256", key_ops=["verify"]),
        as_jwk(p384, kid="same"),
        as_jwk(edwards, kid="same", use="sig"),
    ) == {
        "any": [RSA_ALGORITHMS],
        "one": [frozenset({"PS256"})],
        "same": [frozenset({"ES384"}), frozenset({"EdDSA"})],
    }


def unfit_entries() -> dict[str, dict[str, Any]]:
    rsa_key, ec_key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    entry = as_jwk(ec_key, kid="k")
    private: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(ec_key, as_dict=True)
    return {
        "secret": {"kty": "oct", "kid": "k", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ"},
        "short": as_jwk(rsa.generate_private_key(65537, 1024), kid="k"),  # noqa: S505  on purpose
        "to encrypt": entry | {"use": "enc"},
        "to sign": entry | {"key_ops": ["sign"]},
        "odd operations": entry | {"key_ops": "verify"},
        "private": private | {"kid": "k"},
        "no id": as_jwk(ec_key),
        "odd id": entry | {"kid": 7},
        "odd algorithm": entry | {"alg": ["ES256"]},
        "empty list for an algorithm": entry | {"alg": []},
        "empty object for an algorithm": entry | {"alg": {}},
        "no algorithm": entry | {"alg": None},
        "for nothing": entry | {"alg": "none"},
        "secret without a value": {"kty": "oct", "kid": "k"},
        "algorithm of another curve": entry | {"alg": "ES384"},
        "of another type": as_jwk(rsa_key, kid="k", alg="HS256"),
        "of another curve": as_jwk(ec.generate_private_key(ec.SECP256K1()), kid="k"),
        "no point": entry | {"x": "AAAA"},
    }


@pytest.mark.parametrize(("why", "entry"), unfit_entries().items(), ids=unfit_entries())
def test_a_key_that_can_verify_no_token_is_left_out(why: str, entry: dict[str, Any]) -> None:
    with pytest.raises(NoKeys):
        keys_of(entry)
    assert list(keys_of(entry, as_jwk(ec.generate_private_key(ec.SECP256R1()), kid="good"))) == [
        "good"
    ], why


async def test_a_key_that_is_too_new_costs_no_other_and_is_told_once(
    verifier: Verifier, issuer: Issuer, now_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: object) -> None:
        raise UnsupportedAlgorithm("not with this OpenSSL")

    monkeypatch.setattr(jwt.algorithms.OKPAlgorithm, "from_jwk", staticmethod(read))
    issuer.keys.append(as_jwk(ed25519.Ed25519PrivateKey.generate(), kid="new"))
    with capture_logs() as logs:
        for _ in range(3):
            await published_of(verifier)._fetched()
    assert (await verifier.verify(signed(now_key, "now"))).sub == "alice"
    told = [line for line in logs if line["event"] == "published_key_unreadable"]
    assert [(line["kid"], line["error"]) for line in told] == [("new", "UnsupportedAlgorithm")]


def test_a_fetch_is_one_request_and_brings_the_keys(issuer: Issuer) -> None:
    assert list(fetch_keys(issuer.url)) == ["now"]
    assert issuer.asked == 1


async def test_a_withdrawn_key_ends_the_connections_it_let_in(
    feed: Feed,
    start_server: Any,
    connect: Connect,
    issuer: Issuer,
    now_key: Any,
    next_key: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published_keys, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(published_keys, "CONFIRM_SECONDS", 0.05)
    issuer.keys.append(as_jwk(next_key, kid="next"))
    server = await start_server(JWT_SECRET="", JWT_JWKS_URL=issuer.url, JWT_AUDIENCE="noc")
    leaving = await connect(server, token=signed(now_key, "now"))
    staying = await connect(server, token=signed(next_key, "next", sub="bob"))
    refreshed = await connect(server, token=signed(now_key, "now", sub="carol"))
    answer = await refreshed.ask("refresh", {"token": signed(next_key, "next", sub="carol")})
    assert answer["ok"]
    await asked_again(issuer)
    assert len(server.viewers()) == 3
    # The same id with another key is another key.
    issuer.keys = [as_jwk(next_key, kid="next"), as_jwk(next_key, kid="now")]
    await leaving.until("token_expired")
    await eventually(lambda: not leaving.client.connected)
    assert {viewer.claims.sub for viewer in server.viewers()} == {"bob", "carol"}
    assert staying.heard("token_expired") == refreshed.heard("token_expired") == []
