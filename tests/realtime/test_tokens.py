"""Tokens: what is believed, and how one's absence, wrongness or age is said."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models.settings import Settings
from realtime.errors import ClientError
from realtime.tokens import Verifier, mint
from tests.realtime.cast import settings_of, token


async def code_of(verifier: Verifier, given_token: object) -> str:
    with pytest.raises(ClientError) as caught:
        await verifier.verify(given_token)
    return caught.value.code


@pytest.fixture
def plain() -> dict[str, str]:
    """Settings as the environment gives them, of servers that nobody asks."""
    return {"DATABASE_URL": "postgresql://nowhere/", "REDIS_URL": "redis://nowhere/"}


@pytest.fixture
def shared(plain: dict[str, str]) -> Settings:
    return settings_of(plain, JWT_SECRET="s" * 64)


async def test_a_good_token_grants_what_it_says(shared: Settings) -> None:
    claims = await Verifier(shared).verify(
        token(shared, 7, [15, 16], "operator", scope="submit read")
    )
    assert (claims.sub, claims.tenant_id, claims.sites, claims.role) == (
        "alice",
        7,
        frozenset({15, 16}),
        "operator",
    )
    assert claims.may_submit()
    assert (await Verifier(shared).verify(token(shared))).sites is None


async def test_every_claim_is_required_and_checked(shared: Settings) -> None:
    verifier = Verifier(shared)
    for wrong in (
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": None},
        {"tenant_id": None},
        {"tenant_id": "1"},
        {"tenant_id": 0},
        {"tenant_id": 2**53},
        {"tenant_id": True},
        {"sites": None},
        {"sites": "15"},
        {"sites": [15, "16"]},
        {"sites": [0]},
        {"role": None},
        {"role": "root"},
    ):
        claims: dict[str, Any] = {"tenant_id": 1, "sites": "all", "role": "viewer"} | wrong
        assert await code_of(verifier, token(shared, **claims)) == "token_invalid", wrong
    assert await code_of(verifier, token(shared, exp=time.time() - 1)) == "token_expired"


async def test_algorithms_outside_the_list_are_refused(shared: Settings) -> None:
    claims = {
        "sub": "alice",
        "tenant_id": 1,
        "sites": "all",
        "role": "admin",
        "exp": time.time() + 60,
    }
    verifier = Verifier(shared)
    assert await code_of(verifier, jwt.encode(claims, "", algorithm="none")) == "token_invalid"
    assert (
        await code_of(verifier, jwt.encode(claims, shared.jwt_secret, algorithm="HS512"))
        == "token_invalid"
    )
    assert (
        await code_of(verifier, jwt.encode(claims, "t" * 40, algorithm="HS256")) == "token_invalid"
    )


async def test_audience_and_issuer_are_checked_where_they_are_set(plain: dict[str, str]) -> None:
    settings = settings_of(plain, JWT_SECRET="s" * 40, JWT_AUDIENCE="noc", JWT_ISSUER="acme")
    verifier = Verifier(settings)
    good = {
        "sub": "alice",
        "tenant_id": 1,
        "sites": "all",
        "role": "viewer",
        "exp": time.time() + 60,
    }
    assert (await verifier.verify(mint(settings, good))).sub == "alice"
    for aud, iss in (("noc", "evil"), ("shop", "acme"), (None, "acme"), ("noc", None)):
        extra = {name: value for name, value in (("aud", aud), ("iss", iss)) if value}
        assert (
            await code_of(
                verifier, jwt.encode(good | extra, settings.jwt_secret, algorithm="HS256")
            )
            == "token_invalid"
        )


@pytest.fixture
def private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def signed(private_key: ec.EllipticCurvePrivateKey, key_id: str | None = None) -> str:
    claims = {
        "sub": "alice",
        "tenant_id": 1,
        "sites": "all",
        "role": "viewer",
        "exp": time.time() + 60,
    }
    return jwt.encode(
        claims, private_key, algorithm="ES256", headers={"kid": key_id} if key_id else None
    )


async def test_a_public_key_verifies_and_cannot_be_used_as_a_secret(
    plain: dict[str, str], private_key: ec.EllipticCurvePrivateKey
) -> None:
    pem = (
        private_key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    settings = settings_of(plain, JWT_PUBLIC_KEY=pem)
    assert (await Verifier(settings).verify(signed(private_key))).sub == "alice"
    assert (
        await code_of(Verifier(settings), signed(ec.generate_private_key(ec.SECP256R1())))
        == "token_invalid"
    )
    with pytest.raises(ValueError, match="JWT_SECRET"):
        mint(settings, {})


@pytest.fixture
def issuer(private_key: ec.EllipticCurvePrivateKey) -> Iterator[Any]:
    """Publishes the key under the id `now`, and counts how often it is asked."""
    key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private_key.public_key())) | {
        "kid": "now",
        "use": "sig",
        "alg": "ES256",
    }

    class Keys(http.server.BaseHTTPRequestHandler):
        asked = 0
        url = ""

        def do_GET(self) -> None:
            Keys.asked += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [key]}).encode())

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Keys.url = f"http://127.0.0.1:{server.server_port}/"
    yield Keys
    server.shutdown()
    server.server_close()


async def test_published_keys_are_fetched_once_and_unknown_ones_not_asked_for_again_and_again(
    plain: dict[str, str], issuer: Any, private_key: ec.EllipticCurvePrivateKey
) -> None:
    verifier = Verifier(settings_of(plain, JWT_JWKS_URL=issuer.url))
    for _ in range(5):
        assert (await verifier.verify(signed(private_key, "now"))).sub == "alice"
    assert issuer.asked == 1
    for _ in range(5):
        assert await code_of(verifier, signed(private_key, "old")) == "token_invalid"
    assert issuer.asked == 2


async def test_an_issuer_that_is_away_makes_it_unavailable(
    plain: dict[str, str], private_key: ec.EllipticCurvePrivateKey
) -> None:
    verifier = Verifier(settings_of(plain, JWT_JWKS_URL="http://127.0.0.1:9/"))
    assert await code_of(verifier, signed(private_key, "now")) == "unavailable"
    assert await code_of(verifier, "nonsense") == "token_invalid"
