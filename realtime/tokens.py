"""Tokens: the JWT that says who is asking, for which tenant and sites, and in which role.

They are verified here, and minted where the key is a shared secret.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt

from models.ids import LONGEST_ID, Id, as_id
from models.settings import HMAC, Settings
from models.texts import is_storable
from models.vocabulary import ROLES
from realtime.errors import ClientError

if TYPE_CHECKING:
    from realtime.published_keys import Key, PublishedKeys

NOT_VALID_HERE = "The token is not valid here."
MAX_SITES = 10_000
MOST_TOKEN_CHARACTERS = 16_384
MOST_KEY_ID_CHARACTERS = 500
# OpenID Connect Core 1.0, section 2.
MOST_SUB_CHARACTERS = 255
# The end of the year 9999, where calendars end.
LATEST_SECONDS = 253_402_300_800
# By what each may do; a token without a role may only submit.
_RANKS = {role: rank for rank, role in enumerate(ROLES, start=1)}


class Claims(NamedTuple):
    """What a verified token grants.

    `sites` is None for all of them, `role` for a token that may only submit; `exp` and `iat` are in
    seconds since 1970. String ids get their numbers where they are needed (realtime.ids).
    `key_print` is that of the published key that verified the token.
    """

    sub: str
    tenant_id: Id
    sites: frozenset[Id] | None
    role: str | None
    scopes: frozenset[str]
    exp: float
    iat: float | None = None
    key_print: str = ""

    def covers(self, sites: frozenset[Id]) -> bool:
        return self.sites is None or sites <= self.sites

    def may_submit(self) -> bool:
        return self.role == "admin" or "submit" in self.scopes

    def is_older_than(self, other: "Claims") -> bool:
        """Return whether the token was issued before the other; by their ends if none says when."""
        if self.iat is not None and other.iat is not None:
            return (self.iat, self.exp) < (other.iat, other.exp)
        return self.exp < other.exp

    def grants_more_than(self, other: "Claims") -> bool:
        """Return whether the token grants a site, a right, or time that the other does not."""
        sites = other.sites is not None and (self.sites is None or not other.covers(self.sites))
        rank = _rank(self.role) > _rank(other.role)
        return sites or rank or not self.scopes <= other.scopes or self.exp > other.exp


class BadSignature(ClientError):
    """The token is not signed with the key it was held against."""


class Verifier:
    """Checks tokens by the settings' key: a shared secret, a public one, or an issuer's keys.

    `published` are the issuer's, None for the other two.
    """

    def __init__(self, settings: Settings) -> None:
        self._algorithms = settings.token_algorithms
        self._audience = settings.jwt_audience or None
        self._issuer = settings.jwt_issuer or None
        self._key = settings.jwt_secret or settings.jwt_public_key
        self.published = _published_keys(settings) if settings.jwt_jwks_url else None

    async def verify(self, token: object) -> Claims:
        """Return what the token grants.

        Raises ClientError with token_missing, token_invalid, token_expired or unavailable.
        """
        if token is None or token == "":
            raise ClientError("token_missing", "A token is needed.")
        if not isinstance(token, str) or len(token) > MOST_TOKEN_CHARACTERS or not token.isascii():
            raise ClientError("token_invalid", "The token is not a JWT.")
        if self.published is None:
            return read_claims(self._decode(token, self._key, self._algorithms))
        key_id, algorithm = self._named_key(token)
        keys = await self.published.find(key_id, algorithm)
        claims = self._read(token, algorithm, keys)
        if claims is None:
            others = await self.published.find_others(key_id, algorithm, keys)
            claims = self._read(token, algorithm, others)
        if claims is None:
            raise ClientError("token_invalid", NOT_VALID_HERE)
        return claims

    def _read(self, token: str, algorithm: str, keys: Iterable["Key"]) -> Claims | None:
        """Return the claims by the one of the keys that has signed them; None where none has."""
        for key in keys:
            try:
                claims = self._decode(token, key.public, (algorithm,))
            except BadSignature:
                continue
            return read_claims(claims)._replace(key_print=key.print)
        return None

    def _decode(self, token: str, key: Any, algorithms: Sequence[str]) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=list(algorithms),
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "sub", "tenant_id"],
                    "verify_aud": self._audience is not None,
                    # See _read_moments.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidSignatureError:
            raise BadSignature("token_invalid", NOT_VALID_HERE) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise ClientError("token_invalid", NOT_VALID_HERE) from None

    def _named_key(self, token: str) -> tuple[str, str]:
        """Return the id and the algorithm of the key that the token says it is signed with.

        Raises ClientError `token_invalid` for what no published key can have, so that nobody asks.
        """
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise ClientError("token_invalid", "The token is not a JWT.") from None
        key_id, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(key_id, str) or not 0 < len(key_id) <= MOST_KEY_ID_CHARACTERS:
            raise ClientError("token_invalid", "The token names no key.")
        if algorithm not in self._algorithms:
            raise ClientError("token_invalid", NOT_VALID_HERE)
        return key_id, algorithm


def _published_keys(settings: Settings) -> "PublishedKeys":
    # Imported here: to mint a token takes no client of HTTP.
    from realtime.published_keys import PublishedKeys

    return PublishedKeys(settings.jwt_jwks_url, settings.token_algorithms)


def read_claims(claims: dict[str, Any]) -> Claims:
    """Return the claims we use, checked. Raises ClientError `token_invalid` and `token_expired`.

    A token without a role may only submit.
    """
    exp, iat = _read_moments(claims)
    sub, role, scopes = claims["sub"], claims.get("role"), _scopes(claims.get("scope", ""))
    tenant_id = as_id(claims["tenant_id"])
    if tenant_id is None:
        raise ClientError(
            "token_invalid",
            "The token's tenant_id is neither an integer from 1 to 2^53 - 1"
            f" nor a string of 1 to {LONGEST_ID} characters.",
        )
    if not isinstance(sub, str) or not 0 < len(sub) <= MOST_SUB_CHARACTERS or not is_storable(sub):
        raise ClientError(
            "token_invalid", f"The token's sub is no text of 1 to {MOST_SUB_CHARACTERS} characters."
        )
    has_role = isinstance(role, str) and role in ROLES
    if not has_role and not (role is None and "submit" in scopes):
        raise ClientError("token_invalid", f"The token's role is none of {', '.join(ROLES)}.")
    sites = _sites(claims.get("sites", [] if role is None else None))
    return Claims(sub, tenant_id, sites, role, scopes, exp, iat)


def _read_moments(claims: Mapping[str, Any]) -> tuple[float, float | None]:
    """Return `exp` and `iat` in seconds since 1970.

    PyJWT would take text for a number. Raises ClientError `token_invalid` where one makes no sense
    or the token is not good yet, `token_expired` where it is not any more.
    """
    now = time.time()
    exp = _moment(claims, "exp")
    not_before, issued_at = (
        None if claims.get(name) is None else _moment(claims, name) for name in ("nbf", "iat")
    )
    if any(moment is not None and int(moment) > now for moment in (not_before, issued_at)):
        raise ClientError("token_invalid", "The token is not valid yet.")
    if int(exp) <= now:
        raise ClientError("token_expired", "The token has expired.")
    return exp, issued_at


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    # NaN is not between them either.
    if type(value) not in (int, float) or not 0 <= value < LATEST_SECONDS:
        raise ClientError(
            "token_invalid", f"The token's {name} is no number of seconds from 1970 to 9999."
        )
    return float(value)


def _rank(role: str | None) -> int:
    return 0 if role is None else _RANKS[role]


def _sites(value: object) -> frozenset[Id] | None:
    if value == "all":
        return None
    sites = [as_id(one) for one in value] if isinstance(value, list) else [None]
    if len(sites) > MAX_SITES or None in sites:
        raise ClientError(
            "token_invalid", 'The token\'s sites are neither "all" nor a list of ids.'
        )
    return frozenset(site for site in sites if site is not None)


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
