"""Advisory locks of Postgres, each class of them with keys of its own. All are held to the end of
their transaction.
"""

from hashlib import blake2b


def tenant_lock_key(tenant_id: int) -> int:
    """Who holds it judges the tenant, or changes what it is judged by: one at a time.

    A signed 64-bit key, for the advisory lock functions that take a single argument.
    """
    return _key("tenant", tenant_id)


def alerts_lock_key(tenant_id: int) -> int:
    """Who holds it opens, bumps, moves or names the tenant's alerts: one at a time. Taken before
    any of their rows is read.
    """
    return _key("alerts", tenant_id)


def rejected_lock_key(tenant_id: int) -> int:
    """Who holds it writes to the tenant's rejected submissions. Taken last, so that it can be part
    of no deadlock.
    """
    return _key("rejected", tenant_id)


def _key(kind: str, tenant_id: int) -> int:
    digest = blake2b(f"rollcall:{kind}:{tenant_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
