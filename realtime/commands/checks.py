"""The work of `rollcall check`: all that Rollcall needs is looked at together, for seconds."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy.exc import SQLAlchemyError

from models.channel import Key, KeysUnreadable
from models.emitter import EmitFailed, FeedManager
from models.migrations.revision import newest_revision
from models.misspelt import misspelt, unknown_setting
from models.redis_rights import WORKER_RIGHTS
from models.settings import ReadSettings, Settings, read_settings
from realtime.http.postgres_check import PostgresCheck, Seen
from realtime.http.problems import of_postgres
from realtime.postgres import make_async_engine
from realtime.published_keys import NoKeys, NotFetched, fetch_keys
from realtime.workers import Workers

LOOK_SECONDS = 5.0


class Answer(NamedTuple):
    """The result of a check. `detail` is a sentence: what is there, or what is wrong and to do."""

    name: str
    ok: bool
    detail: str


class Away(Exception):
    """What was looked at is not as it has to be; the text says why, and what to do."""


class Check(NamedTuple):
    """`look` returns what is there, or raises Away. It is left out if a setting of its is wrong."""

    name: str
    rests_on: tuple[str, ...]
    look: Callable[[Settings], str]


def check_all() -> list[Answer]:
    """Return an answer for each thing, within LOOK_SECONDS; for settings, one for each problem."""
    given = read_settings(tokens=True)
    return [*_of_settings(given), *_of_servers(given)]


def _of_settings(given: ReadSettings) -> list[Answer]:
    unknown = [unknown_setting(name, meant) for name, meant in misspelt(os.environ).items()]
    wrong = [Answer("settings", False, problem) for problem in given.problems + unknown]
    return wrong or [Answer("settings", True, "all that are set make sense")]


def _of_servers(given: ReadSettings) -> Iterator[Answer]:
    checks = [check for check in CHECKS if check.name != "jwks" or given.settings.jwt_jwks_url]
    looks = [Look(check, given) for check in checks]
    deadline = time.monotonic() + LOOK_SECONDS
    for look in looks:
        yield look.answer_by(deadline)


class Look:
    """One check under way, in a thread that ends with the process, whatever it waits for."""

    def __init__(self, check: Check, given: ReadSettings) -> None:
        self._check = check
        self._answer = Answer(check.name, False, f"does not answer within {LOOK_SECONDS:.0f} s")
        if wrong := [name.upper() for name in check.rests_on if name in given.wrong]:
            why = f"was not asked, as {' and '.join(wrong)} must be mended first"
            self._answer = Answer(check.name, False, why)
        self._broke: Exception | None = None
        self._thread = Thread(target=self._look, args=(given.settings,), daemon=True)
        if not wrong:
            self._thread.start()

    def answer_by(self, deadline: float) -> Answer:
        """Return the answer, or that there was none in time.

        Raises what the look raised, if that was not Away.
        """
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._broke:
            raise self._broke
        return self._answer

    def _look(self, settings: Settings) -> None:
        try:
            self._answer = Answer(self._check.name, True, self._check.look(settings))
        except Away as why:
            self._answer = Answer(self._check.name, False, _without_passwords(str(why), settings))
        except Exception as error:
            self._broke = error


def _postgres(settings: Settings) -> str:
    revision = newest_revision()
    try:
        seen = asyncio.run(_seen(settings.database_url, revision))
    except (SQLAlchemyError, OSError) as error:
        reason = _reason(getattr(error, "orig", None) or error)
        raise Away(f"does not answer: {reason}; start it, or mend DATABASE_URL") from None
    if problems := of_postgres(seen, revision):
        raise Away(" ".join(problems.values()))
    return f"answers, can write, and is at revision {revision}"


async def _seen(url: str, revision: str) -> Seen:
    engine = make_async_engine(url, pool_size=1)
    try:
        return await PostgresCheck(engine, revision).look()
    finally:
        await engine.dispose()


def _no_key() -> Key:
    raise KeysUnreadable("a check says nothing")


def _redis(settings: Settings) -> str:
    where = _where(settings.redis_url)
    try:
        FeedManager(settings.redis_url, settings.redis_channel, _no_key).ping()
    except (EmitFailed, ValueError) as error:
        raise Away(_unanswered(where, error, "start it, or mend REDIS_URL")) from None
    return f"answers at {where}"


def _broker(settings: Settings) -> str:
    where = _where(settings.broker_url)
    setting = "CELERY_BROKER_URL" if settings.celery_broker_url else "REDIS_URL"
    workers = Workers(settings)
    try:
        refused = workers.reach_broker()
    except workers.errors as error:
        raise Away(_unanswered(where, error, f"start it, or mend {setting}")) from None
    if refused is None:
        return f"answers at {where}"
    if refused.is_needed:
        no_task = f"refuses {refused.command} at {where}, without which workers take no task"
        raise Away(f"{no_task}; its user there needs {WORKER_RIGHTS}")
    later = "workers hear of a task up to 0.3 s later and ask more often"
    return f"answers at {where}, but refuses {refused.command}: {later}"


def _jwks(settings: Settings) -> str:
    where = _where(settings.jwt_jwks_url)
    try:
        keys = fetch_keys(settings.jwt_jwks_url)
    except NotFetched as error:
        raise Away(_unanswered(where, error, "mend JWT_JWKS_URL, or its server")) from None
    except NoKeys as why:
        raise Away(f"{where} {why}; mend JWT_JWKS_URL, or what is there") from None
    algorithms = settings.token_algorithms
    published = [key for same_id in keys.values() for key in same_id]
    usable = [key for key in published if key.algorithms.intersection(algorithms)]
    if not usable:
        reason = f"no key at {where} goes with {', '.join(algorithms)}"
        raise Away(f"{reason}; set JWT_ALGORITHMS to what they are for")
    return f"{len(usable)} usable key{'s' * (len(usable) > 1)} at {where}"


CHECKS = (
    Check("postgres", ("database_url",), _postgres),
    Check("redis", ("redis_url", "redis_channel"), _redis),
    Check("broker", ("celery_broker_url", "redis_url", "broker_queue_type"), _broker),
    Check("jwks", ("jwt_jwks_url", "jwt_algorithms"), _jwks),
)


def _unanswered(where: str, error: Exception, what_to_do: str) -> str:
    return f"does not answer at {where}: {_reason(error)}; {what_to_do}"


def _where(url: str) -> str:
    """Return host and port, without user and password; the path for a Unix socket."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def _without_passwords(text: str, settings: Settings) -> str:
    """Hide the passwords of all addresses: libraries quote parts of those they cannot read."""
    for url in (
        settings.database_url,
        settings.redis_url,
        settings.broker_url,
        settings.jwt_jwks_url,
    ):
        if password := urlsplit(url).password:
            text = text.replace(password, "***").replace(unquote(password), "***")
    return text


def _reason(error: BaseException) -> str:
    """Return the first line of its text, without the dot; its class where there is no text."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
