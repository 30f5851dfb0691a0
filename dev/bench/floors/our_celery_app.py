"""A task that does nothing on a worker of ours: what is left of Celery's price where Rollcall makes
it cheaper.

    celery -A dev.bench.floors.our_celery_app worker ...
"""

from worker.celery import app
from worker.tasks.base import QuietTask


@app.task(name="bench.nothing", base=QuietTask)  # type: ignore[untyped-decorator]  # Celery has no types
def nothing() -> None:
    """Do nothing: what is measured is what a task of ours costs before it does anything."""
