"""Celery's Task, of whose arguments events and logs tell ids only, and which no worker holds for
later.
"""

from typing import Any

from celery import Task

from worker.broker.ids import ids_of


class IdsOnlyTask(Task):
    """A task of which Celery tells ids only, wherever it tells something of it."""

    abstract = True
    Request = "worker.broker.request:QuietRequest"
    Strategy = "worker.broker.strategy:strategy"
    keeps_expired = False  # whether one that came after its `expires` runs all the same, told so

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        told = {"argsrepr": "()", "kwargsrepr": ids_of(kwargs)}
        return super().apply_async(args, kwargs, **(options | told))

    def signature_from_request(
        self,
        request: Any = None,
        *arguments: Any,
        countdown: float = 0,  # noqa: ARG002 - it is always at once
        **options: Any,
    ) -> Any:
        """The task as it goes back into its queue: at once; and what came too late, still did."""
        again = super().signature_from_request(request, *arguments, **options)
        if (request or self.request).get("expired"):
            again.options["headers"] = {**(again.options.get("headers") or {}), "expired": True}
        return again

    def on_lost_for_good(self, args: Any, kwargs: Any) -> None:
        """Called in the worker's main process: the task has killed its process once too often."""
