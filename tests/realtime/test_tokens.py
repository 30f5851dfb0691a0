"""Tokens: what is believed, and how one's absence, wrongness or age is said."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models.settings import Settings
from realtime.tokens import Claims, Verifier, mint
from tests.realtime.cast import settings_of, token
from tests.realtime.issuer import code_of, signed

SECRET = "0123456789abcdef" * 4


@pytest.fixture
def shared(plain: dict[str, str]) -> Settings:
    return settings_of(plain, JWT_SECRET=SECRET)


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
        {"tenant_id": ""},
        {"tenant_id": "x" * 65},
        {"tenant_id": "a\0"},
        {"tenant_id": 1.0},
        {"tenant_id": 0},
        {"tenant_id": 2**53},
        {"tenant_id": True},
        {"sites": None},
        {"sites": "15"},
        {"sites": [15, 16.0]},
        {"sites": [""]},
        {"sites": [0]},
        {"role": None},
        {"role": "root"},
    ):
        claims: dict[str, Any] = {"tenant_id": 1, "sites": "all", "role": "viewer"} | wrong
        assert await code_of(verifier, token(shared, **claims)) == "token_invalid", wrong
    assert await code_of(verifier, token(shared, exp=time.time() - 1)) == "token_expired"


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": "99999999999"},
        {"exp": "soon"},
        {"exp": True},
        {"exp": [9999999999]},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 253_402_300_800},
        {"exp": 10**400},
        {"exp": -1},
        {"iat": "yesterday"},
        {"iat": "1"},
        {"iat": 4_000_000_000},
        {"nbf": {}},
        {"nbf": "0"},
        {"nbf": 4_000_000_000},
        {"sub": "al\0ice"},
        {"sub": "al\ud800ice"},
        {"sub": "a" * 256},
        {"role": []},
        {"role": {"admin": True}},
        {"tenant_id": 10**400},
        {"sites": {"all": True}},
    ],
    ids=lambda wrong: "-".join(f"{name}-{value!a:.20}" for name, value in wrong.items()),
)
async def test_claims_that_nobody_can_mean_are_refused_and_break_nothing(
    shared: Settings, wrong: dict[str, Any]
) -> None:
    assert await code_of(Verifier(shared), token(shared, **wrong)) == "token_invalid"


async def test_the_longest_sub_and_the_last_moment_are_taken(shared: Settings) -> None:
    claims = await Verifier(shared).verify(token(shared, sub="a" * 255, exp=253_402_300_799))
    assert (len(claims.sub), claims.exp) == (255, 253_402_300_799)


def granting(**changes: Any) -> Claims:
    return Claims("alice", 1, frozenset({15}), "operator", frozenset(), 1000.0)._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, False),
        ({"sites": frozenset({15, 16})}, True),
        ({"sites": None}, True),
        ({"sites": frozenset()}, False),
        ({"role": "admin"}, True),
        ({"role": "viewer"}, False),
        ({"scopes": frozenset({"submit"})}, True),
        ({"exp": 1001.0}, True),
        ({"exp": 999.0}, False),
    ],
)
def test_what_grants_more_is_known(changes: dict[str, Any], more: bool) -> None:
    assert granting(**changes).grants_more_than(granting()) == more


@pytest.mark.parametrize(
    ("one", "other", "older"),
    [
        ({"iat": 1.0, "exp": 9.0}, {"iat": 2.0, "exp": 5.0}, True),
        ({"iat": 2.0, "exp": 5.0}, {"iat": 1.0, "exp": 9.0}, False),
        ({"iat": 1.0, "exp": 5.0}, {"iat": 1.0, "exp": 5.0}, False),
        ({"iat": 9.0, "exp": 5.0}, {"exp": 6.0}, True),
        ({"exp": 6.0}, {"exp": 5.0}, False),
    ],
)
def test_which_token_is_older_is_said_by_iat_and_else_by_exp(
    one: dict[str, Any], other: dict[str, Any], older: bool
) -> None:
    assert granting(**one).is_older_than(granting(**other)) == older


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
    settings = settings_of(plain, JWT_SECRET=SECRET, JWT_AUDIENCE="noc", JWT_ISSUER="acme")
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
