"""How a worker sees a task's message.

What events, logs and `inspect` show of it is made here, out of ids: a producer's own headers may
say anything. A task runs when it comes, and nothing runs after it. An `eta` would have the worker
hold it, and a thousand of them stop the worker; links would run any task that a message names.
"""

from collections.abc import Callable
from functools import wraps
from time import time
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.exceptions import InvalidTaskError
from celery.worker.request import Request

from worker.broker.call import call_in
from worker.broker.headers import deadline_in, headers_in
from worker.broker.ids import ids_of
from worker.metrics import IGNORED


class QuietRequest(Request):  # type: ignore[misc]  # Celery has no types
    """A request that shows the ids of its task only.

    It tells the channel that its message came by for how long it had a process.
    """

    _has_ended = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Have `on_success` tell too: Celery makes a subclass for each task, with its own."""
        super().__init_subclass__(**options)
        cls.on_success = _telling(cls.on_success)

    def __init__(self, message: Any, **options: Any) -> None:
        try:
            sent = options.get("headers") or message.headers
            call, body = call_in(message, options)
            keeps_expired = options["task"].keeps_expired
            headers = headers_in(sent) | deadline_in(sent, keeps_expired=keeps_expired)
            changed = {"body": call, "decoded": True, "headers": headers}
            super().__init__(message, **(options | changed))
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            raise InvalidTaskError(f"no task message: {type(error).__name__}") from None
        # The pool's processes get the text, and read it themselves. To pickle what it holds fails
        # where that is nested deep, and would end this worker, and the next that gets the message.
        self._body, self._content_type, self._content_encoding = body
        if sent.get("eta") is not None:
            IGNORED.labels(wish="eta").inc()
        self._argsrepr = f"({len(self._args)} positional)" if self._args else "()"
        self._kwargsrepr = ids_of(self._kwargs)
        self._request_dict = _Fields(self.request_dict)
        shown = {"argsrepr": self._argsrepr, "kwargsrepr": self._kwargsrepr}
        self._request_dict.update(shown, reply_to=None)

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: ARG002 - it is always safe
        fields: dict[str, Any] = super().info(safe=True)
        return fields

    def revoked(self) -> bool:
        """Tell whether the task came too late for its `expires`.

        Celery would also drop a task that shares an id or a stamp with a revoked one.
        """
        if self._already_revoked:
            return True
        if not self.maybe_expire():
            return False
        self._announce_revoked("expired", False, None, True)
        return True

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> None:
        """Fail as Celery does, but keep what killed its process in each of its retries."""
        self.tell_end()
        lost = isinstance(exc_info.exception, WorkerLostError)
        if lost and self._context.retries >= self.task.max_retries:
            self.task.on_lost_for_good(self._args, self._kwargs)
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def tell_end(self) -> None:
        """Tell, once, for how long the task had a process. Channels of RabbitMQ do not ask."""
        shares = getattr(self.message.channel, "queue_shares", None)
        if shares and self.time_start and not self._has_ended:
            self._has_ended = True
            shares.spend(self.delivery_info["routing_key"], max(0.0, time() - self.time_start))


def _telling(on_success: Callable[..., None]) -> Callable[..., None]:
    @wraps(on_success)
    def tell_and_go_on(request: QuietRequest, *arguments: Any, **options: Any) -> None:
        request.tell_end()
        on_success(request, *arguments, **options)

    return tell_and_go_on


class _Fields(dict[str, Any]):
    """The fields of a request. They are pickled flat, whatever a producer nests in its headers.

    The arguments are in the body.
    """

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (_flat(self) | {"delivery_info": _flat(self["delivery_info"])},)


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in fields.items()
        if value is None or isinstance(value, str | int | float)
    }
