"""Settings: whatever is missing or makes no sense is named at once, with what would make sense."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.settings import Settings, SettingsError, load_settings

GOOD = {
    "DATABASE_URL": "postgresql://u:p@localhost:5432/rollcall",
    "REDIS_URL": "redis://localhost:6379/0",
    "JWT_SECRET": "0123456789abcdef" * 2,
}


def problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as failure:
        load_settings(GOOD | environ, tokens=True)
    assert failure.value.code == 2
    return failure.value.problems


BAD = {
    "DATABASE_URL": ("mysql://localhost/db", "postgresql://localhost:port/db"),
    "REDIS_URL": (
        "http://localhost",
        "localhost:6379",
        "redis://localhost:99999/0",
        "redis+sentinel://:p@one:26379,two:x/0/main",
    ),
    "REDIS_CHANNEL": ("two words", "x" * 101, "caf\u00e9"),
    "CELERY_BROKER_URL": ("kafka://localhost", "amqp://u:p@localhost:x//"),
    "BROKER_QUEUE_TYPE": ("stream",),
    "PORT": ("0", "65536", "http"),
    "FLOWER_PORT": ("0", "65536", "5555.5"),
    "METRICS_PORT": ("-1", "65536"),
    "METRICS_TOKEN": ("short", "x" * 31, "with a blank, and long enough otherwise"),
    "WORKER_METRICS_PORT": ("-1", "65536"),
    "JWT_SECRET": ("short", "x" * 32, "changeme" * 4),
    "JWT_ALGORITHMS": ("none", "HS256,MD5", "RS256"),
    "CORS_ORIGINS": ("noc.example.com", "https://noc.example.com/path"),
    "LOG_LEVEL": ("LOUD",),
    "FEED_RETENTION_DAYS": ("0", "for ever"),
    "VIEWER_BUFFER_BYTES": ("1",),
    "VIEWER_STALL_SECONDS": ("0", "nan"),
    "VIEWER_EVENTS_PER_SECOND": ("0", "-1"),
    "CONNECTIONS": ("9", "many"),
    "CONNECTIONS_PER_ADDRESS": ("0",),
    "CONNECTIONS_PER_USER": ("0", "-1"),
    "TRUSTED_PROXIES": ("nginx", "10.0.0.0/33", "10.0.0.5, 10.0.0.300"),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_setting_that_makes_no_sense_is_named_once(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name}: ")


def test_every_bad_setting_is_named_at_once() -> None:
    named = [
        problem.partition(":")[0]
        for problem in problems(**{name: values[0] for name, values in BAD.items()})
    ]
    assert sorted(named) == sorted(BAD)


def pem_of(key: Any) -> str:
    encoded: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_PUBLIC_KEY", "garbage"),
        ("JWT_PUBLIC_KEY", pem_of(rsa.generate_private_key(65537, 1024))),  # noqa: S505  on purpose
        ("JWT_PUBLIC_KEY", pem_of(x25519.X25519PrivateKey.generate())),
        ("JWT_PUBLIC_KEY", pem_of(ec.generate_private_key(ec.SECP256K1()))),
        ("JWT_JWKS_URL", "issuer.example.com/keys"),
        ("JWT_JWKS_URL", "http://issuer.example.com/keys"),
        ("JWT_JWKS_URL", "http://10.0.0.7/keys"),
        ("JWT_JWKS_URL", "http://localhost.example.com/keys"),
        ("JWT_JWKS_URL", "http://127.0.0.1.example.com/keys"),
        ("JWT_JWKS_URL", "HTTP://issuer.example.com/keys"),
    ],
    ids=lambda value: value[:40],
)
def test_a_key_that_is_none_or_not_safe_is_named(name: str, value: str) -> None:
    (problem,) = problems(JWT_SECRET="", JWT_AUDIENCE="rollcall", **{name: value})
    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_PUBLIC_KEY", pem_of(rsa.generate_private_key(65537, 2048))),
        ("JWT_PUBLIC_KEY", pem_of(ec.generate_private_key(ec.SECP521R1()))),
        ("JWT_PUBLIC_KEY", pem_of(ed25519.Ed25519PrivateKey.generate())),
        ("JWT_JWKS_URL", "https://issuer.example.com/keys"),
        ("JWT_JWKS_URL", "http://localhost:8080/keys"),
        ("JWT_JWKS_URL", "http://127.0.0.2/keys"),
        ("JWT_JWKS_URL", "http://[::1]:8080/keys"),
    ],
    ids=lambda value: value[:40],
)
def test_a_safe_key_is_taken(name: str, value: str) -> None:
    load_settings(GOOD | {"JWT_SECRET": "", "JWT_ISSUER": "us", name: value}, tokens=True)


def test_published_keys_need_an_audience_or_an_issuer() -> None:
    address = {"JWT_SECRET": "", "JWT_JWKS_URL": "http://issuer.example.com/keys", "PORT": "0"}
    assert [problem.partition(":")[0] for problem in problems(**address)] == [
        "PORT",
        "JWT_JWKS_URL",
        "JWT_AUDIENCE",
    ]


def test_two_keys_are_one_too_many_whatever_else_is_wrong() -> None:
    sentences = problems(JWT_JWKS_URL="https://issuer.example.com/keys", PORT="0")
    assert [line for line in sentences if "JWT_SECRET and JWT_JWKS_URL are both set" in line]
    assert len(sentences) == 2


def test_a_key_is_missing_only_to_whoever_verifies_tokens() -> None:
    assert problems(JWT_SECRET="") == [
        "JWT_SECRET: is not set, nor JWT_PUBLIC_KEY nor JWT_JWKS_URL;"
        " one of them is needed to verify tokens"
    ]
    assert isinstance(load_settings(GOOD | {"JWT_SECRET": ""}), Settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql:///rollcall?host=/run/postgresql"),
        ("DATABASE_URL", "postgres://u:p%40:1@one:5432,two:5433/rollcall"),
        ("DATABASE_URL", "postgresql://u:p@[::1]:5432/rollcall"),
        ("REDIS_URL", "rediss://:p@localhost/1"),
        ("REDIS_URL", "redis+sentinel://u:p@one:26379,two:26379/0/main"),
        ("REDIS_URL", "redis+sentinel://one,two/0/main"),
        ("REDIS_URL", "unix:///run/redis.sock"),
        ("CELERY_BROKER_URL", "amqps://u:p@localhost:5671/vhost"),
        ("METRICS_PORT", "0"),
        ("METRICS_TOKEN", "x" * 32),
        ("WORKER_METRICS_PORT", "0"),
        ("CORS_ORIGINS", "https://noc.example.com, http://localhost:3000"),
        ("JWT_ALGORITHMS", "HS256, HS512"),
    ],
)
def test_every_spelling_that_is_documented_is_taken(name: str, value: str) -> None:
    load_settings(GOOD | {name: value}, tokens=True)
