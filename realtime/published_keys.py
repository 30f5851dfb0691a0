"""The keys that an issuer publishes (JWKS, RFC 7517), fetched beside everything else.

A slow or absent issuer makes nobody wait whose key is known.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import aiohttp
import jwt
import orjson
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
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
# They wait so long at most, for that pause and the fetch; a client is let in within ADMIT_SECONDS.
WAIT_SECONDS = 8.0
# A key is withdrawn when it is missing again so long after it was missed first.
CONFIRM_SECONDS = 10.0
# An id that the issuer did not know is not asked for again for so long. So many are remembered.
UNKNOWN_SECONDS = 60.0
MOST_UNKNOWN = 1_000
# More tokens than these never wait for one fetch.
MOST_WAITING = 200


# What one entry of a JWKS may raise. It costs that entry.
UNREADABLE = (
    jwt.PyJWTError,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    OverflowError,
    KeyError,
    NotImplementedError,
)


class NotFetched(Exception):
    """The issuer did not answer, or not in time; the text says why."""


class NoKeys(Exception):
    """What the issuer answers with holds no key that can verify a token; the text says so."""


class Key(NamedTuple):
    """A public key, and the algorithms it is for. `print` tells it from any other."""

    public: Any
    algorithms: frozenset[str]
    print: str


# By `kid`. Keys of several types may have the same, and one beside that which replaces it.
Keys = Mapping[str, tuple[Key, ...]]


class PublishedKeys:
    """The keys at an address; what they may be used for is bounded by `algorithms` as well.

    One that a fetch misses serves until another, CONFIRM_SECONDS later, misses it too: not all
    nodes of an issuer change at once. `withdrawn` is called when a key has gone.
    """

    def __init__(self, url: str, algorithms: Collection[str]) -> None:
        self.withdrawn: Callable[[], None] = lambda: None
        self._url = url
        self._allowed = frozenset(algorithms)
        self._keys: Keys = {}
        self._missed_at: dict[str, float] = {}  # by print, of the keys that serve on
        self._unreadable: Collection[str] = ()
        self._seen_at: float | None = None
        self._failing = False
        self._fetching: asyncio.Task[None] | None = None
        # Fetches are numbered from 1: the latest that began, and the latest that brought keys.
        self._began = 0
        self._brought = 0
        self._ask_again_at = 0.0
        self._refresh_at = 0.0
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._waiting = 0
        # Of its own: what viewers do must not queue behind an issuer that does not answer.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="published-keys")

    async def watch(self) -> None:
        """Keep the keys fresh, for ever, so that one that is withdrawn is noticed."""
        while True:
            left = self._refresh_at - time.monotonic()
            if left > 0:
                # In steps, as others have the keys fetched too, and may find that one is missing.
                await asyncio.sleep(min(left, CONFIRM_SECONDS))
            else:
                await self._fetched()

    async def find(self, key_id: str, algorithm: str) -> tuple[Key, ...]:
        """Return the keys of that id for a token of that algorithm, the newest first.

        Raises ClientError `token_invalid` where the issuer, asked since the token came or a moment
        ago, does not know it, and `unavailable` where only the issuer could tell.
        """
        keys = self._known(key_id, algorithm)
        if not keys and not self._is_remembered(key_id):
            keys = await self._wait_for(key_id, algorithm)
            if not keys:
                self._remember_unknown(key_id)
        if keys:
            return keys
        if self._failing:
            raise Unavailable()
        raise ClientError("token_invalid", "The token's key is not known.")

    async def find_others(
        self, key_id: str, algorithm: str, tried: Collection[Key]
    ) -> tuple[Key, ...]:
        """Return what replaced the keys that were tried, under their id: the issuer is asked.

        Nobody waits for a pause to end, as anybody can sign badly. Raises ClientError
        `unavailable`.
        """
        if self._fetching is not None or time.monotonic() >= self._ask_again_at:
            with self._place():
                await self._fetched()
        prints = {key.print for key in tried}
        return tuple(key for key in self._known(key_id, algorithm) if key.print not in prints)

    def holds(self, key_print: str) -> bool:
        """Return whether a key that verified a token is still published, as far as we know."""
        return any(key.print == key_print for keys in self._keys.values() for key in keys)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _known(self, key_id: str, algorithm: str) -> tuple[Key, ...]:
        if not self._are_good():
            return ()
        keys = self._keys.get(key_id, ())
        return tuple(key for key in keys if algorithm in key.algorithms & self._allowed)

    def _are_good(self) -> bool:
        return self._seen_at is not None and time.monotonic() - self._seen_at < KNOWN_SECONDS

    def _is_remembered(self, key_id: str) -> bool:
        return self._are_good() and time.monotonic() < self._unknown.get(key_id, 0.0)

    def _remember_unknown(self, key_id: str) -> None:
        self._unknown[key_id] = time.monotonic() + UNKNOWN_SECONDS
        self._unknown.move_to_end(key_id)
        while len(self._unknown) > MOST_UNKNOWN:
            self._unknown.popitem(last=False)

    async def _wait_for(self, key_id: str, algorithm: str) -> tuple[Key, ...]:
        """Return the keys that are known once there are any, or after a fetch that began since now.

        Raises ClientError `unavailable` where the issuer is away, or may not be asked soon.
        """
        began, until = self._began, time.monotonic() + WAIT_SECONDS
        with self._place():
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    while not (keys := self._known(key_id, algorithm)) and self._brought <= began:
                        await self._fetched_in_turn(until)
            except TimeoutError:
                raise Unavailable() from None
        return keys

    async def _fetched_in_turn(self, until: float) -> None:
        """Wait for a fetch, or for the end of the pause before one may begin.

        Raises ClientError `unavailable` where that fails, or would begin too late.
        """
        now = time.monotonic()
        if self._fetching is None and now < self._ask_again_at:
            if self._failing or self._ask_again_at >= until:
                raise Unavailable()
            await asyncio.sleep(self._ask_again_at - now)
            return
        await self._fetched()
        if self._failing:
            raise Unavailable()

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Be one of those who wait. Raises ClientError `unavailable` where they are too many."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _fetched(self) -> None:
        """Wait for the fetch under way, or a new one, however it ends.

        Whoever stops waiting for it stops nothing.
        """
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._forget)
        await asyncio.shield(self._fetching)

    def _forget(self, fetching: asyncio.Task[None]) -> None:
        self._fetching = None
        now = time.monotonic()
        self._ask_again_at = now + (
            PAUSE_SECONDS if self._are_good() else PAUSE_WITHOUT_KEYS_SECONDS
        )
        missing = CONFIRM_SECONDS if self._missed_at else REFRESH_SECONDS
        self._refresh_at = now + (RETRY_SECONDS if self._failing else missing)
        if not fetching.cancelled():
            fetching.exception()  # which is that of those who wait, if anybody does

    async def _fetch(self) -> None:
        self._began += 1
        loop = asyncio.get_running_loop()
        unreadable: dict[str, str] = {}
        try:
            keys = await loop.run_in_executor(
                self._thread, fetch_keys, self._url, unreadable.__setitem__
            )
        except (NotFetched, NoKeys) as why:
            metrics.key_fetches.labels("failed").inc()
            if not self._failing:
                log.warning("published_keys_not_fetched", why=str(why), known=len(self._keys))
            self._failing = True
            return
        metrics.key_fetches.labels("fetched").inc()
        for key_id in unreadable.keys() - set(self._unreadable):
            log.warning("published_key_unreadable", kid=key_id, error=unreadable[key_id])
        self._unreadable = unreadable.keys()
        self._brought, self._seen_at = self._began, time.monotonic()
        self._take(keys)

    def _take(self, fetched: Keys) -> None:
        """Have the keys that were fetched, and those that were missed for the first time."""
        had, self._keys = self._keys, fetched
        missing = [
            (key_id, key) for key_id in had for key in had[key_id] if not self.holds(key.print)
        ]
        now = time.monotonic()
        missed_at = {key.print: self._missed_at.get(key.print, now) for _, key in missing}
        kept = [
            (key_id, key) for key_id, key in missing if now - missed_at[key.print] < CONFIRM_SECONDS
        ]
        self._keys = _with_others(fetched, kept)
        self._missed_at = {key.print: missed_at[key.print] for _, key in kept}
        if self._failing or self._keys.keys() != had.keys():
            log.info("published_keys_fetched", keys=len(fetched))
        self._failing = False
        if len(kept) < len(missing):
            log.warning("published_key_withdrawn", keys=len(fetched))
            self.withdrawn()


def _with_others(keys: Keys, others: Iterable[tuple[str, Key]]) -> Keys:
    """Return the keys with others, which come after those of the same id."""
    all_keys = dict(keys)
    for key_id, key in others:
        all_keys[key_id] = (*all_keys.get(key_id, ()), key)
    return all_keys


def fetch_keys(url: str, unreadable: Callable[[str, str], None] | None = None) -> Keys:
    """Return the keys at the address that can verify tokens, within FETCH_SECONDS.

    `unreadable` is called with the id of each other that cannot be read, and the error's name.
    Raises NotFetched and NoKeys.
    """
    return read_keys(_get(url), unreadable)


def read_keys(document: bytes, unreadable: Callable[[str, str], None] | None = None) -> Keys:
    """Return the keys of a JWKS by their ids, without those that can verify no token.

    Raises NoKeys where none is left.
    """
    try:
        published = orjson.loads(document)["keys"]
    except (ValueError, TypeError, KeyError):
        published = None
    read = []
    for entry in published if isinstance(published, list) else ():
        if not isinstance(entry, dict) or not _is_for_signatures(entry):
            continue
        try:
            read.append((entry["kid"], _read_key(entry)))
        except UNREADABLE as error:
            if unreadable:
                unreadable(entry["kid"], type(error).__name__)
    if not read:
        raise NoKeys("holds no key with a `kid` for signatures")
    return _with_others({}, read)


def _is_for_signatures(entry: dict[str, Any]) -> bool:
    """Return whether the key has an id, and is not for something else."""
    operations = entry.get("key_ops", ["verify"])
    return (
        isinstance(entry.get("kid"), str)
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _read_key(entry: dict[str, Any]) -> Key:
    """Return the key. Raises one of UNREADABLE where it is none, secret, unsafe, or too new."""
    public = jwt.PyJWK(entry).key
    algorithms = algorithms_of(public)
    if "alg" in entry:
        algorithms &= {entry["alg"]}
    if not algorithms:
        raise ValueError("is for an algorithm that is not of its type")
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key_print = hashlib.sha256(entry["kid"].encode() + b"\0" + encoded).hexdigest()
    return Key(public, algorithms, key_print)


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
