"""How many files the process may have open: each connection is one."""

import resource

import structlog

# Beside connections: connections to Postgres and Redis, the log, the listening sockets.
RESERVED_FILES = 100

log = structlog.get_logger(__name__)


def raise_file_limit(connections: int) -> int:
    """Raise the limit as far as the system lets us, and return how many connections fit in.

    Logs `file_limit` where those are fewer than wanted.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    fitting = max(soft - RESERVED_FILES, 1)
    log.warning("file_limit", files=soft, connections=fitting, wanted=connections)
    return fitting
