"""How a worker sees a task's message. What it tells of it, in events, logs and to `inspect`, is made here, out of ids:
a producer's own headers may say anything.

A task is run when it comes, and nothing after it: an `eta` would have the worker hold it, a thousand of them stop it, and what a
message links to is run by whoever is named there.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from billiard.exceptions import WorkerLostError
from celery.exceptions import InvalidTaskError
from celery.utils.time import maybe_iso8601
from celery.worker.request import Request
from celery.worker.strategy import default
from kombu.utils.json import dumps

from worker.metrics import IGNORED

# Where a message names tasks to be run after this one.
_LINKS = ("callbacks", "errbacks", "chain", "chord")
_WHOLE = ("tenant_id", "person_id", "site_id")
_TEXT = ("punch_id", "message_id")


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's own way from a message to the pool, but that a body of no known shape is refused: Celery's would end the worker."""
    take = default(task, app, consumer, **options)

    def take_tasks_only(message: Any, body: Any, *rest: Any, **more: Any) -> Any:
        payload = message.payload if body is None else body
        if not isinstance(payload, dict) and not (isinstance(payload, list | tuple) and len(payload) == 3):
            raise InvalidTaskError("no task message")
        return take(message, body, *rest, **more)

    return take_tasks_only


class QuietRequest(Request):
    """A request whose representation holds ids only."""

    def __init__(self, message: Any, **options: Any) -> None:
        try:
            given = options.get("headers") or message.headers
            call, as_sent = _call_in(message, options)
            headers = _headers_in(given) | _deadline_in(given, keeps_expired=options["task"].keeps_expired)
            super().__init__(message, **(options | {"body": call, "decoded": True, "headers": headers}))
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            raise InvalidTaskError(f"no task message: {type(error).__name__}") from None
        # The pool's processes get the text, and read it themselves: to pickle what it holds fails where that is nested deep,
        # and would end the worker, and every other that the message is then given to.
        self._body, self._content_type, self._content_encoding = as_sent
        if given.get("eta") is not None:
            IGNORED.labels(wish="eta").inc()
        self._argsrepr = f"({len(self._args)} positional)" if self._args else "()"
        self._kwargsrepr = ids_of(self._kwargs)
        self._request_dict = _Fields(self.request_dict)
        self._request_dict.update(argsrepr=self._argsrepr, kwargsrepr=self._kwargsrepr, reply_to=None)

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: ARG002 - Celery asks for unsafe ones, and gets none
        return super().info(safe=True)

    def revoked(self) -> bool:
        """Whether it came too late for its `expires`. Celery would also drop what shares an id or a stamp with something revoked."""
        if self._already_revoked or not self.maybe_expire():
            return self._already_revoked
        self._announce_revoked("expired", False, None, True)
        return True

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        """As Celery does; a task that has killed its process in each of its retries is kept among the rejected."""
        lost = isinstance(exc_info.exception, WorkerLostError)
        if lost and self._context.retries >= self.task.max_retries:
            self.task.on_lost_for_good(self._args, self._kwargs)
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)


class _Fields(dict):
    """What is known of a request. Pickled it is flat, whatever a producer has nested in its headers; the arguments are in the body."""

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (_flat(self) | {"delivery_info": _flat(self["delivery_info"])},)


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is None or isinstance(value, str | int | float)}


def _headers_in(given: dict[str, Any]) -> dict[str, Any]:
    """Of what a producer says of its task, what is used and makes sense. Celery believes the rest as well, and may end over it."""
    task_id, retries = given.get("id"), given.get("retries")
    return {
        "task": given["task"],
        "id": str(task_id) if isinstance(task_id, str | UUID) and task_id else str(uuid4()),
        "retries": retries if type(retries) is int else 0,
        **{name: given[name] for name in ("root_id", "parent_id", "origin") if isinstance(given.get(name), str)},
    }


def _deadline_in(given: dict[str, Any], *, keeps_expired: bool) -> dict[str, Any]:
    """`expires`, for Celery to drop the task by; or, where what is too late is kept, whether it is, or was when it came first."""
    if keeps_expired and given.get("expired") is True:
        return {"expired": True}
    moment = _moment(given.get("expires"))
    if moment is None:
        return {}
    return {"expired": moment < datetime.now(UTC)} if keeps_expired else {"expires": given["expires"]}


def _moment(value: object) -> datetime | None:
    """One without an offset is in UTC, as Celery writes it. Nothing else is a deadline."""
    try:
        moment = maybe_iso8601(value) if isinstance(value, str) else None
        return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
    except (OverflowError, ValueError):
        return None


def _call_in(message: Any, options: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, str, str]]:
    """The call that a message is, its arguments never null, and its body for the pool: the text as it was sent, where it can stay."""
    args, kwargs, embed = options["body"] if options["decoded"] else message.payload
    call: tuple[Any, ...] = ([] if args is None else args, {} if kwargs is None else kwargs, {})
    if not isinstance(call[0], list | tuple) or not isinstance(call[1], dict):
        raise TypeError
    linked = bool(embed) and not (isinstance(embed, dict) and all(not embed[name] and name in _LINKS for name in embed))
    if linked:
        IGNORED.labels(wish="link").inc()
    if linked or options["decoded"] or args is None or kwargs is None:
        return call, (dumps(call), "application/json", "utf-8")
    return call, (message.body, message.content_type, message.content_encoding)


def ids_of(arguments: object) -> str:
    """Arguments as text that names ids and sizes, nothing else: `{'punch': {'tenant_id': 1, 'punch_id': 'p-1'}}`."""
    return repr(_ids(arguments)) if isinstance(arguments, dict) else "{}"


def _ids(fields: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {name: fields[name] for name in _WHOLE if type(fields.get(name)) is int}
    told |= {name: fields[name][:64] for name in _TEXT if isinstance(fields.get(name), str)}
    for name in ("punch", "roster", "tenant", "message"):
        if isinstance(fields.get(name), dict):
            told[name] = _ids(fields[name])
    told |= {name: len(fields[name]) for name in ("punches",) if isinstance(fields.get(name), list)}
    return told
