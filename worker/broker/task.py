"""Celery's Task, but events and logs show only the ids in its arguments, and none is held back."""

from typing import Any

from celery import Task

from worker.broker.ids import ids_of


class IdsOnlyTask(Task):  # type: ignore[misc]  # Celery has no types
    """A task of whose arguments Celery shows ids only, wherever it shows any."""

    abstract = True
    Request = "worker.broker.request:QuietRequest"
    Strategy = "worker.broker.strategy:strategy"
    # If set, a task that came after its `expires` runs all the same, with `expired` in its request.
    keeps_expired = False

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        shown = {"argsrepr": "()", "kwargsrepr": ids_of(kwargs)}
        return super().apply_async(args, kwargs, **(options | shown))

    def signature_from_request(
        self,
        request: Any = None,
        *arguments: Any,
        countdown: float = 0,  # noqa: ARG002 - it is always at once
        **options: Any,
    ) -> Any:
        """Return the task as it goes back into its queue: at once, and still too late if it was."""
        again = super().signature_from_request(request, *arguments, **options)
        if (request or self.request).get("expired"):
            again.options["headers"] = {**(again.options.get("headers") or {}), "expired": True}
        return again

    def on_lost_for_good(self, args: Any, kwargs: Any) -> None:
        """Keep what the task brought, which has killed its process once too often.

        Called in the worker's main process.
        """
