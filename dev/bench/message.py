"""The message every contender carries: 400 bytes of JSON that say when they were said and which
number they have.
"""

import time

SIZE = 400
EVENT = "anomaly_detected"
TENANT = 1
SITE = 15


def now_us() -> int:
    """Microseconds of CLOCK_MONOTONIC: the clock the load clients compare with."""
    return time.monotonic_ns() // 1000


def payload(number: int, said_us: int | None = None, tenant: int = TENANT) -> str:
    """The load clients look for "@" and "#": neither may occur anywhere else."""
    start = (
        f'{{"type":"{EVENT}","tenant_id":{tenant},"site_id":{SITE},"anomaly_type":"GEOFENCE_VIOLATION","severity":"HIGH",'
        f'"said":"@{now_us() if said_us is None else said_us:016d}","number":"#{number:08d}","explanation":"'
    )
    return start + "x" * (SIZE - len(start) - 2) + '"}'


def room(tenant: int) -> str:
    return f"noc_tenant_{tenant}"


def packet_of(punch: dict[str, object]) -> str:
    """The least a client is told of a punch: its id, in a message as large as any."""
    start = f'{{"type":"{EVENT}","punch_id":"{punch["punch_id"]}","explanation":"'
    return packet(start + "x" * (SIZE - len(start) - 2) + '"}')


def packet(text: str) -> str:
    """The payload as the Socket.IO packet in which it reaches a viewer."""
    return f'42/noc,["{EVENT}",{text}]'
