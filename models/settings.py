"""The settings, all from the environment; the README lists them.

One that is missing or makes no sense ends the process with one message.
"""

import os
import re
import sys
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

Port = Annotated[int, Field(ge=1, le=65535)]

# A secret of fewer different characters is no random one.
LEAST_LETTERS = 8
HMAC = {"HS256", "HS384", "HS512"}
ASYMMETRIC = {
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
}


class SettingsError(SystemExit):
    """The environment does not hold what this process needs."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(2)
        self.problems = problems

    def __str__(self) -> str:
        return (
            "rollcall: the settings below are missing or wrong (README, “Settings”):\n"
            + "\n".join(f"  {p}" for p in self.problems)
        )


class Settings(BaseModel):
    """What every process reads from the environment; a quantity's name ends in its unit."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    database_url: str
    redis_url: str
    redis_channel: str = "rollcall"
    celery_broker_url: str = ""
    broker_queue_type: Literal["classic", "quorum"] = "classic"
    port: Port = 8000
    flower_port: Port = 5555
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    metrics_host: str = "127.0.0.1"
    metrics_token: str = ""
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    heartbeat_file: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    data_dir: str = ".data"
    cors_origins: tuple[str, ...] = ()
    jwt_secret: str = ""
    jwt_public_key: str = ""
    jwt_jwks_url: str = ""
    jwt_algorithms: tuple[str, ...] = ()
    jwt_audience: str = ""
    jwt_issuer: str = ""
    feed_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    viewer_buffer_bytes: Annotated[int, Field(ge=16_384)] = 1_048_576
    viewer_stall_seconds: Annotated[float, Field(gt=0)] = 30.0
    viewer_events_per_second: Annotated[float, Field(gt=0)] = 20.0
    connections: Annotated[int, Field(ge=10)] = 10_000
    connections_per_address: Annotated[int, Field(ge=1)] = 100
    connections_per_user: Annotated[int, Field(ge=1)] = 200
    trusted_proxies: tuple[str, ...] = ()

    @field_validator("cors_origins", "jwt_algorithms", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("redis_channel")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.fullmatch(r"[\x21-\x7e]{1,100}", value):
            raise ValueError("is 1 to 100 characters of ASCII, without spaces")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        return _with_scheme(value, {"postgres", "postgresql", "postgresql+psycopg"})

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        return _with_scheme(value, {"redis", "rediss", "redis+sentinel", "unix"})

    @field_validator("celery_broker_url")
    @classmethod
    def _broker(cls, value: str) -> str:
        return value and _with_scheme(
            value,
            {
                "redis",
                "rediss",
                "redis+sentinel",
                "redis+socket",
                "sentinel",
                "amqp",
                "amqps",
                "pyamqp",
            },
        )

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if origin != "*" and (
                parts.scheme not in ("http", "https") or not parts.netloc or parts.path
            ):
                raise ValueError(
                    f"{origin!r} is no origin; write scheme and host,"
                    " such as https://noc.example.com, separated by commas"
                )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for named in value:
            try:
                ip_network(named, strict=False)
            except ValueError:
                raise ValueError(
                    f"{named!r} is no address or network of a proxy;"
                    " write them such as 10.0.0.5 or 10.0.0.0/24, separated by commas"
                ) from None
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value.encode()) < 32:
            raise ValueError(
                "is too short to be safe; give at least 32 bytes,"
                " such as the output of `openssl rand -hex 32`"
            )
        if value and len(set(value)) < LEAST_LETTERS:
            raise ValueError(
                f"is easily guessed, as it has fewer than {LEAST_LETTERS} different characters;"
                " give the output of `openssl rand -hex 32`"
            )
        return value

    @field_validator("metrics_token")
    @classmethod
    def _fit_for_a_header(cls, value: str) -> str:
        if value and not re.fullmatch(r"[\x21-\x7e]{32,}", value):
            raise ValueError(
                "is no safe token; give at least 32 characters of ASCII without spaces,"
                " such as `openssl rand -hex 32`"
            )
        return value

    @field_validator("jwt_public_key")
    @classmethod
    def _public_key(cls, value: str) -> str:
        if value:
            # Imported here, as few installations have such a key.
            from models.signing_keys import read_public_key

            read_public_key(value)
        return value

    @field_validator("jwt_jwks_url")
    @classmethod
    def _fetchable(cls, value: str) -> str:
        if value and urlsplit(_with_scheme(value, {"http", "https"})).scheme == "http":
            _check_loopback(urlsplit(value).hostname or "")
        return value

    @field_validator("jwt_algorithms")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in HMAC | ASYMMETRIC]:
            raise ValueError(
                f"{','.join(unknown)} is none of {', '.join(sorted(HMAC | ASYMMETRIC))}"
            )
        return value

    @property
    def broker_url(self) -> str:
        return self.celery_broker_url or self.redis_url

    @property
    def token_algorithms(self) -> tuple[str, ...]:
        return self.jwt_algorithms or (("HS256",) if self.jwt_secret else ("RS256", "ES256"))


class ReadSettings(NamedTuple):
    """What the environment holds: the settings as far as they make sense, and a sentence a problem.

    Settings named in `wrong` (as fields, in lower case) have not the value that the environment
    gives them, or have one that it does not give.
    """

    settings: Settings
    wrong: frozenset[str]
    problems: list[str]


def load_settings(environ: Mapping[str, str] = os.environ, *, tokens: bool = False) -> Settings:
    """Return the settings of this process. `tokens`: it verifies tokens, so it needs a key as well.

    Raises SettingsError (a SystemExit with status 2, printed once) naming every bad setting.
    """
    reading = read_settings(environ, tokens=tokens)
    if reading.problems:
        failure = SettingsError(reading.problems)
        print(failure, file=sys.stderr)
        raise failure
    return reading.settings


def read_settings(environ: Mapping[str, str] = os.environ, *, tokens: bool = False) -> ReadSettings:
    """Return what the environment holds, and all that is wrong with it.

    `tokens` means what it does for load_settings.
    """
    values = {
        name: environ[name.upper()]
        for name in Settings.model_fields
        if environ.get(name.upper(), "") != ""
    }
    key_problems = _problems_of_keys(values, needed=tokens)
    try:
        return ReadSettings(Settings.model_validate(values), frozenset(), key_problems)
    except ValidationError as error:
        details = error.errors()
    wrong = frozenset(str(detail["loc"][0]) for detail in details)
    sound = {name: value for name, value in values.items() if name not in wrong}
    return ReadSettings(
        Settings.model_validate(_NEEDED | sound),
        wrong,
        [_problem(detail) for detail in details] + key_problems,
    )


# These stand in for settings without a default that make no sense. Nobody reads them.
_NEEDED = {"database_url": "postgresql://", "redis_url": "redis://"}


def _problems_of_keys(values: Mapping[str, str], *, needed: bool) -> list[str]:
    """Return what is wrong with the settings for tokens taken together, which none shows by itself.

    It looks at values as the environment has them, so that it finds this beside all other problems.
    """
    keys = [
        name
        for name in ("jwt_secret", "jwt_public_key", "jwt_jwks_url")
        if values.get(name, "").strip()
    ]
    if not keys:
        missing = (
            "JWT_SECRET: is not set, nor JWT_PUBLIC_KEY nor JWT_JWKS_URL;"
            " one of them is needed to verify tokens"
        )
        return [missing] if needed else []
    if len(keys) > 1:
        names = " and ".join(key.upper() for key in keys)
        return [f"{names} are both set; keep the one your tokens are signed with"]
    return _problems_of_issuer(values, keys[0]) + _problems_of_algorithms(values, keys[0])


def _problems_of_issuer(values: Mapping[str, str], key: str) -> list[str]:
    """Return that nothing says which of an issuer's tokens are for here, where nothing does.

    Published keys sign the tokens of all that the issuer serves.
    """
    names = ("jwt_audience", "jwt_issuer")
    if key != "jwt_jwks_url" or any(values.get(name, "").strip() for name in names):
        return []
    return [
        "JWT_AUDIENCE: is not set, nor JWT_ISSUER; with JWT_JWKS_URL one of them is needed, or"
        " tokens for the issuer's other applications are taken as well"
    ]


def _problems_of_algorithms(values: Mapping[str, str], key: str) -> list[str]:
    unfit = ASYMMETRIC if key == "jwt_secret" else HMAC
    algorithms = [name.strip() for name in values.get("jwt_algorithms", "").split(",")]
    wrong = ",".join(name for name in algorithms if name in unfit)
    if not wrong:
        return []
    allowed = ", ".join(sorted((HMAC | ASYMMETRIC) - unfit))
    return [f"JWT_ALGORITHMS: {wrong} does not go with {key.upper()}; choose from {allowed}"]


def _check_loopback(host: str) -> None:
    """Raise ValueError where the host is another machine: on the way its keys could be replaced."""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost" or host.endswith(".localhost")
    if not is_loopback:
        raise ValueError(
            "must start with https://, except on this machine itself: whoever can change the keys"
            " on their way can let anybody in"
        )


def _with_scheme(value: str, schemes: set[str]) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or "://" not in value:
        beginnings = ", ".join(sorted(f"{scheme}://" for scheme in schemes))
        raise ValueError(f"is no address Rollcall can use; it starts with one of {beginnings}")
    # Sentinel and Postgres take several hosts.
    ports = re.findall(r":([^:,\]]*)(?=,|$)", parts.netloc.rpartition("@")[2])
    if not all(port.isdigit() and 1 <= int(port) <= 65535 for port in ports):
        raise ValueError("has a port that is no number from 1 to 65535")
    return value


def _problem(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else ""
    if detail["type"] == "missing":
        return f"{name}: is not set"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
