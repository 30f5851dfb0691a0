"""The keys that an issuer publishes (JWKS, RFC 7517), fetched beside everything else.

A slow or absent issuer makes nobody wait whose key is known.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import aiohttp
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.signing_keys import algorithms_of
from realtime import metrics
from realtime.errors import ClientError, Unavailable

log = structlog.get_logger()

# A fetch has so long for all of it, from the look-up of the host's name to the last byte.
FETCH_SECONDS = 5.0
MOST_BYTES = 1_048_576
REFRESH_SECONDS = 300.0
RETRY_SECONDS = 30.0
# Keys are good for so long after they were last seen, while the issuer is away.
KNOWN_SECONDS = 86_400.0
# Those who need a key that is not known have it asked for, but not more often than this.
PAUSE_SECONDS = 10.0
PAUSE_WITHOUT_KEYS_SECONDS = 2.0
# An id that the issuer did not know is not asked for again for so long. So many are remembered.
UNKNOWN_SECONDS = 60.0
MOST_UNKNOWN = 1_000
# More tokens than these never wait for one fetch.
MOST_WAITING = 200


class NotFetched(Exception):
    """The issuer did not answer, or not in time; the text says why."""


class NoKeys(Exception):
    """What the issuer answers with holds no key that can verify a token; the text says so."""


class Key(NamedTuple):
    """A public key, and the algorithms it is for. `print` tells it from any other."""

    public: Any
    algorithms: frozenset[str]
    print: str


# By `kid`. Keys of several types may have the same.
Keys = Mapping[str, tuple[Key, ...]]


class PublishedKeys:
    """The keys at an address; what they may be used for is bounded by `algorithms` as well.

    `withdrawn` is called after a fetch by which a key has gone.
    """

    def __init__(self, url: str, algorithms: Collection[str]) -> None:
        self.withdrawn: Callable[[], None] = lambda: None
        self._url = url
        self._allowed = frozenset(algorithms)
        self._keys: Keys = {}
        self._seen_at: float | None = None
        self._failing = False
        self._fetching: asyncio.Task[bool] | None = None
        self._ask_again_at = 0.0
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._waiting = 0
        # Of its own: what viewers do must not queue behind an issuer that does not answer.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="published-keys")

    async def watch(self) -> None:
        """Keep the keys fresh, for ever, so that one that is withdrawn is noticed."""
        while True:
            fetched = await self._fetched()
            await asyncio.sleep(REFRESH_SECONDS if fetched else RETRY_SECONDS)

    async def find(self, key_id: str, algorithm: str) -> Key:
        """Return the key of that id for a token of that algorithm.

        Raises ClientError `token_invalid`, and `unavailable` where only the issuer could tell.
        """
        key = self._known(key_id, algorithm)
        if key is None and self._is_worth_asking(key_id):
            await self._wait_for_fetch()
            key = self._known(key_id, algorithm)
        if key is not None:
            return key
        if not self._are_good() or self._failing:
            raise Unavailable()
        self._remember_unknown(key_id)
        raise ClientError("token_invalid", "The token's key is not known.")

    def holds(self, key_print: str) -> bool:
        """Return whether a key that verified a token is still published, as far as we know."""
        return any(key.print == key_print for keys in self._keys.values() for key in keys)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _known(self, key_id: str, algorithm: str) -> Key | None:
        if not self._are_good():
            return None
        keys = self._keys.get(key_id, ())
        return next((key for key in keys if algorithm in key.algorithms & self._allowed), None)

    def _are_good(self) -> bool:
        return self._seen_at is not None and time.monotonic() - self._seen_at < KNOWN_SECONDS

    def _is_worth_asking(self, key_id: str) -> bool:
        """Return whether the issuer may know more than we do, and it may be asked now."""
        if self._fetching is None and time.monotonic() < self._ask_again_at:
            return False
        if not self._are_good():
            return True
        return time.monotonic() >= self._unknown.get(key_id, 0.0)

    def _remember_unknown(self, key_id: str) -> None:
        if time.monotonic() < self._unknown.get(key_id, 0.0):
            return
        self._unknown[key_id] = time.monotonic() + UNKNOWN_SECONDS
        self._unknown.move_to_end(key_id)
        while len(self._unknown) > MOST_UNKNOWN:
            self._unknown.popitem(last=False)

    async def _wait_for_fetch(self) -> None:
        """Have the issuer asked, together with all others that wait. Raises ClientError."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable()
        self._waiting += 1
        try:
            await self._fetched()
        finally:
            self._waiting -= 1

    async def _fetched(self) -> bool:
        """Return whether the fetch under way, or a new one, brings keys.

        Whoever stops waiting for it stops nothing.
        """
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._forget)
        return await asyncio.shield(self._fetching)

    def _forget(self, fetching: asyncio.Task[bool]) -> None:
        self._fetching = None
        pause = PAUSE_SECONDS if self._are_good() else PAUSE_WITHOUT_KEYS_SECONDS
        self._ask_again_at = time.monotonic() + pause
        if not fetching.cancelled():
            fetching.exception()  # which is that of those who wait, if anybody does

    async def _fetch(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            keys = await loop.run_in_executor(self._thread, fetch_keys, self._url)
        except (NotFetched, NoKeys) as why:
            metrics.key_fetches.labels("failed").inc()
            if not self._failing:
                log.warning("published_keys_not_fetched", why=str(why), known=len(self._keys))
            self._failing = True
            return False
        metrics.key_fetches.labels("fetched").inc()
        if self._failing or keys.keys() != self._keys.keys():
            log.info("published_keys_fetched", keys=len(keys))
        self._failing = False
        had, self._keys, self._seen_at = self._keys, keys, time.monotonic()
        if any(not self.holds(key.print) for kept in had.values() for key in kept):
            log.warning("published_key_withdrawn", keys=len(keys))
            self.withdrawn()
        return True


def fetch_keys(url: str) -> Keys:
    """Return the keys at the address that can verify tokens, within FETCH_SECONDS.

    Raises NotFetched and NoKeys.
    """
    return read_keys(_get(url))


def read_keys(document: bytes) -> Keys:
    """Return the keys of a JWKS by their ids, without those that can verify no token.

    Raises NoKeys where none is left.
    """
    try:
        published = orjson.loads(document)["keys"]
    except (ValueError, TypeError, KeyError):
        published = None
    keys: dict[str, tuple[Key, ...]] = {}
    for entry in published if isinstance(published, list) else ():
        if isinstance(entry, dict) and (key := _read_key(entry)):
            key_id = entry["kid"]
            keys[key_id] = (*keys.get(key_id, ()), key)
    if not keys:
        raise NoKeys("holds no key with a `kid` for signatures")
    return keys


def _read_key(entry: dict[str, Any]) -> Key | None:
    """Return the key; None where it has no id, is for something else, secret, or unsafe."""
    key_id, operations = entry.get("kid"), entry.get("key_ops", ["verify"])
    if not isinstance(key_id, str) or entry.get("use", "sig") != "sig":
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public = jwt.PyJWK(entry).key
        algorithms = algorithms_of(public)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if "alg" in entry:
        algorithms &= {entry["alg"]}
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Key(public, algorithms, hashlib.sha256(key_id.encode() + b"\0" + encoded).hexdigest())


def _get(url: str) -> bytes:
    """Return what is at the address. Raises NotFetched.

    It runs on a loop of its own, because only there can all of it have one deadline.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(_read(url), FETCH_SECONDS))
    except TimeoutError:
        raise NotFetched(f"it takes longer than {FETCH_SECONDS:.0f} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotFetched(str(error).partition("\n")[0] or type(error).__name__) from None
    finally:
        # Not asyncio.run, which would wait for a look-up of the host's name.
        loop.run_until_complete(_cancel_others())
        loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(url: str) -> bytes:
    read = bytearray()
    # A proxy of the environment is used. Elsewhere, by a redirect, nobody vouches for the keys.
    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise NotFetched(f"it answers with status {response.status}")
        async for part in response.content.iter_chunked(65_536):
            read += part
            if len(read) > MOST_BYTES:
                raise NotFetched(f"it answers with more than {MOST_BYTES:,} bytes")
    return bytes(read)
