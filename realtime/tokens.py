"""Tokens: the JWT that says who is asking, for which tenant and sites, and in which role.

They are verified here, and minted where the key is a shared secret.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jwt

from models.ids import LARGEST_ID
from models.settings import HMAC, Settings
from models.vocabulary import ROLES
from realtime.errors import ClientError, Unavailable

MAX_SITES = 10_000
JWKS_LIFESPAN_SECONDS = 300
# A token with an unknown key id makes us ask the issuer for its keys again, but not more often.
JWKS_PAUSE_SECONDS = 10


class Claims(NamedTuple):
    """What a verified token grants.

    `sites` is None for all of them, `role` for a token that may only submit; `exp` is in seconds
    since 1970.
    """

    sub: str
    tenant_id: int
    sites: frozenset[int] | None
    role: str | None
    scopes: frozenset[str]
    exp: float

    def covers(self, sites: frozenset[int]) -> bool:
        return self.sites is None or sites <= self.sites

    def may_submit(self) -> bool:
        return self.role == "admin" or "submit" in self.scopes


class Verifier:
    """Checks tokens by the settings' key: a shared secret, a public one, or an issuer's keys."""

    def __init__(self, settings: Settings) -> None:
        self._algorithms = list(settings.token_algorithms)
        self._audience = settings.jwt_audience or None
        self._issuer = settings.jwt_issuer or None
        self._key = settings.jwt_secret or settings.jwt_public_key
        self._keys = find_keys(settings) if settings.jwt_jwks_url else None
        self._missed_at = -float(JWKS_PAUSE_SECONDS)

    async def verify(self, token: object) -> Claims:
        """Return what the token grants.

        Raises ClientError with token_missing, token_invalid, token_expired or unavailable.
        """
        if token is None or token == "":
            raise ClientError("token_missing", "A token is needed.")
        if not isinstance(token, str) or len(token) > 16_384:
            raise ClientError("token_invalid", "The token is not a JWT.")
        key = await self._published_key(token) if self._keys else self._key
        return read_claims(self._decode(token, key))

    def _decode(self, token: str, key: Any) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "sub", "tenant_id"],
                    "verify_aud": self._audience is not None,
                },
            )
        except jwt.ExpiredSignatureError:
            raise ClientError("token_expired", "The token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise ClientError("token_invalid", "The token is not valid here.") from None

    async def _published_key(self, token: str) -> Any:
        assert self._keys is not None
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            raise ClientError("token_invalid", "The token is not a JWT.") from None
        try:
            return await asyncio.to_thread(self._find_key, self._keys, key_id)
        except jwt.PyJWKClientConnectionError:
            raise Unavailable() from None
        except jwt.PyJWTError:
            raise ClientError("token_invalid", "The token's key is not known.") from None

    def _find_key(self, keys: jwt.PyJWKClient, key_id: str | None) -> Any:
        key = keys.match_kid(keys.get_signing_keys(), key_id or "")
        if key is None and time.monotonic() - self._missed_at >= JWKS_PAUSE_SECONDS:
            self._missed_at = time.monotonic()
            key = keys.match_kid(keys.get_signing_keys(refresh=True), key_id or "")
        if key is None:
            raise jwt.PyJWKClientError("unknown key")
        return key.key


def find_keys(settings: Settings) -> jwt.PyJWKClient:
    """Return a client that fetches the keys at JWT_JWKS_URL, and keeps them for a while."""
    return jwt.PyJWKClient(settings.jwt_jwks_url, lifespan=JWKS_LIFESPAN_SECONDS, timeout=3)


def fits(key: jwt.PyJWK, algorithms: Sequence[str]) -> bool:
    """Return whether the key can verify a token of one of the algorithms.

    An RSA key can for all of RSA's.
    """
    if key.key_type == "RSA":
        return any(name.startswith(("RS", "PS")) for name in algorithms)
    return key.algorithm_name in algorithms


def read_claims(claims: dict[str, Any]) -> Claims:
    """Return the claims we use, checked. Raises ClientError `token_invalid`.

    A token without a role may only submit.
    """
    scopes = _scopes(claims.get("scope", ""))
    role = claims.get("role")
    if not is_id(claims["tenant_id"]):
        raise ClientError(
            "token_invalid", "The token's tenant_id is not an integer from 1 to 2^53 - 1."
        )
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise ClientError("token_invalid", "The token's sub is not a string.")
    if role not in ROLES and not (role is None and "submit" in scopes):
        raise ClientError("token_invalid", f"The token's role is none of {', '.join(ROLES)}.")
    sites = _sites(claims.get("sites", [] if role is None else None))
    return Claims(claims["sub"], claims["tenant_id"], sites, role, scopes, float(claims["exp"]))


def is_id(value: object) -> bool:
    return type(value) is int and 1 <= value <= LARGEST_ID


def _sites(value: object) -> frozenset[int] | None:
    if value == "all":
        return None
    if not isinstance(value, list) or len(value) > MAX_SITES or not all(map(is_id, value)):
        raise ClientError(
            "token_invalid", 'The token\'s sites are neither "all" nor a list of ids.'
        )
    return frozenset(value)


def _scopes(value: object) -> frozenset[str]:
    """Read scopes as OAuth spells them, in a string with spaces between, or from a list."""
    words = value.split() if isinstance(value, str) else value
    return (
        frozenset(word for word in words if isinstance(word, str))
        if isinstance(words, list)
        else frozenset()
    )


def mint(settings: Settings, claims: dict[str, Any]) -> str:
    """Return a token signed with JWT_SECRET.

    Raises ValueError where that is not set: tokens are signed by somebody else's private key then.
    """
    if not settings.jwt_secret:
        raise ValueError(
            "JWT_SECRET is not set: tokens are issued by whoever holds the private key"
        )
    extra = {"aud": settings.jwt_audience, "iss": settings.jwt_issuer}
    algorithm = next(name for name in settings.token_algorithms if name in HMAC)
    return jwt.encode(
        claims | {name: value for name, value in extra.items() if value},
        settings.jwt_secret,
        algorithm=algorithm,
    )
