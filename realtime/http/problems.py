"""What keeps a server or the installation from its work, by name, with a sentence for people.

Monitors may rely on the names.
"""

from models import pulse
from realtime.http.postgres_check import Seen

Problems = dict[str, str]

_WHY_NOT_WRITTEN = {
    "53100": "its disk is full",
    "25006": "it is read-only",
    "57014": "it took too long",
}


def of_postgres(seen: Seen | None, revision: str) -> Problems:
    """Return what is wrong with Postgres. `seen` is None where it did not answer.

    `revision` is the one that the code needs.
    """
    if seen is None:
        return {"postgres": "Postgres does not answer."}
    if seen.revision != revision:
        return {"schema": _of_schema(seen.revision, revision)}
    if seen.unwritable:
        why = _WHY_NOT_WRITTEN.get(seen.unwritable, "see its log")
        return {"postgres_write": f"Postgres cannot write: {why} (SQLSTATE {seen.unwritable})."}
    return {}


def _of_schema(found: str | None, needed: str) -> str:
    mend = "`rollcall migrate` brings it up to date."
    if found is None:
        return f"The database has no tables, and this server's code needs revision {needed}. {mend}"
    at = f"The database is at revision {found}, and this server's code"
    if found < needed:
        return f"{at} needs {needed}. {mend}"
    return f"{at} is of {needed}: start the newer one."


def of_pulses(seen: Seen | None) -> Problems:
    """Return which tasks and sweeps stand still; nothing where no pulse could be seen."""
    if seen is None or seen.ages is None:
        return {}
    late = {pulse_.name: pulse_ for pulse_ in pulse.late(seen.ages)}
    problems: Problems = {}
    if tasks := late.pop(pulse.TASKS, None):
        problems["tasks"] = f"The last task came through the queue {pulse.TASKS} {tasks}."
    if late:
        sweeps = ", ".join(f"{name} {sweep}" for name, sweep in late.items())
        problems["sweeps"] = f"Sweeps stand still. When they last finished: {sweeps}."
    return problems
