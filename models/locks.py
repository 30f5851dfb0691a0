"""The keys of our advisory locks in Postgres, which are held to the end of their transaction.

All are signed 64-bit keys, for the lock functions that take a single argument.
"""

from hashlib import blake2b

from models.ids import Id, number_of


def tenant_lock_key(tenant_id: Id) -> int:
    """Return the key of the lock for judging the tenant, or changing what it is judged by."""
    return _key("tenant", tenant_id)


def alerts_lock_key(tenant_id: Id) -> int:
    """Return the key of the lock for writing the tenant's alerts.

    It is taken before any of their rows is read.
    """
    return _key("alerts", tenant_id)


def rejected_lock_key(tenant_id: Id) -> int:
    """Return the key of the lock for writing the tenant's rejected submissions.

    It is taken after all other locks, so that it can be part of no deadlock.
    """
    return _key("rejected", tenant_id)


def _key(kind: str, tenant_id: Id) -> int:
    digest = blake2b(f"rollcall:{kind}:{number_of(tenant_id)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
