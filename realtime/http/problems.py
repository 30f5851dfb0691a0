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
    """`seen` is None where Postgres did not answer; `revision` is the code's."""
    if seen is None:
        return {"postgres": "Postgres does not answer."}
    if seen.revision != revision:
        return {"schema": _of_schema(seen.revision, revision)}
    if seen.unwritable:
        why = _WHY_NOT_WRITTEN.get(seen.unwritable, "see its log")
        return {"postgres_write": f"Postgres cannot write: {why} (SQLSTATE {seen.unwritable})."}
    return {}


def _of_schema(theirs: str | None, ours: str) -> str:
    mend = "`rollcall migrate` brings it up to date."
    if theirs is None:
        return f"The database has no tables, and this server's code needs revision {ours}. {mend}"
    if theirs < ours:
        return f"The database is at revision {theirs}, and this server's code needs {ours}. {mend}"
    return f"The database is at revision {theirs}, and this server's code is of {ours}: start the newer one."


def of_pulses(seen: Seen | None) -> Problems:
    """Nothing, where nothing could be seen: then something else is the matter."""
    if seen is None or seen.ages is None:
        return {}
    late = {each.name: each for each in pulse.late(seen.ages)}
    problems: Problems = {}
    if tasks := late.pop(pulse.TASKS, None):
        problems["tasks"] = f"The last task came through the queue {pulse.TASKS} {tasks}."
    if late:
        sweeps = ", ".join(f"{name} {each}" for name, each in late.items())
        problems["sweeps"] = f"Sweeps stand still. When they last finished: {sweeps}."
    return problems
