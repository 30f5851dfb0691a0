"""What a user of Redis has to be allowed for workers, and what Redis says where it is not."""

import re
from typing import Any, NamedTuple
from uuid import uuid4

from redis.exceptions import NoPermissionError, ResponseError

# As docs/operating has it, section "Brokers".
WORKER_RIGHTS = "+@connection +@read +@write +@pubsub +@transaction +@scripting +info +time ~* &*"

# What the script does by which a worker takes a task, here on a key that is nobody's. None of it
# leaves anything: Redis looks at the rights before it finds a number or a value to be missing.
_OF_THE_SCRIPT = {
    "RPOP": "return redis.call('RPOP', KEYS[1])",
    "ZADD": "return redis.call('ZADD', KEYS[1], 'no number', '')",
    "HSET": "return redis.call('HSET', KEYS[1], '', '', 'no value')",
    "RPUSH": "redis.call('RPUSH', KEYS[1], '') return redis.call('RPOP', KEYS[1])",
}
_COMMAND = re.compile(r"to run the '([\w|]+)' command|[Uu]nknown command [`']([\w|]+)")
# What Redis 7.0 says does not name the command.
_OF_A_SCRIPT = "a command of a script"
_IN_A_SCRIPT = ("ACL failure in script", "user executing the script can't")


class Refused(NamedTuple):
    """A command that Redis refuses, and whether workers cannot do without it."""

    command: str
    is_needed: bool


def first_refused(client: Any) -> Refused | None:
    """Try over redis-py's `client` what workers need to take tasks. Raises redis-py's errors."""
    key = f"rollcall_check_{uuid4()}"
    for tried, script in _OF_THE_SCRIPT.items():
        if command := _refused_in(client, "EVAL", script, 1, key):
            return Refused(tried if command == _OF_A_SCRIPT else command, is_needed=True)
    try:
        client.execute_command("CLIENT", "TRACKING", "ON")
    except ResponseError:  # whatever the reason: workers do without it
        return Refused("CLIENT TRACKING", is_needed=False)
    return None


def _refused_in(client: Any, *command: Any) -> str | None:
    try:
        client.execute_command(*command)
    except ResponseError as error:
        return refused(error)
    return None


def refused(error: ResponseError) -> str | None:
    """Return the command that Redis refused for want of a right, or does not know.

    `keys or channels` where the command is allowed, but not on these, and None where the error is
    of another kind.
    """
    text = str(error)
    if named := _COMMAND.search(text):
        return (named[1] or named[2]).upper().replace("|", " ")
    if isinstance(error, NoPermissionError):
        return "keys or channels"
    return _OF_A_SCRIPT if any(said in text for said in _IN_A_SCRIPT) else None
