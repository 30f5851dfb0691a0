"""The message every contender carries: 400 bytes of JSON with the moment at which it was said and a
number.
"""

import time

SIZE_BYTES = 400
EVENT = "anomaly_detected"
TENANT = 1
SITE = 15


def now_us() -> int:
    """Microseconds of CLOCK_MONOTONIC: the clock the load clients compare with."""
    return time.monotonic_ns() // 1000


def payload(number: int, said_us: int | None = None, tenant: int = TENANT) -> str:
    """The message as JSON text, said at `said_us` or now. The load clients look for "@" and "#":
    neither may occur anywhere else.
    """
    moment = now_us() if said_us is None else said_us
    start = (
        f'{{"type":"{EVENT}","tenant_id":{tenant},"site_id":{SITE},'
        '"anomaly_type":"GEOFENCE_VIOLATION","severity":"HIGH",'
        f'"said":"@{moment:016d}","number":"#{number:08d}","explanation":"'
    )
    return start + "x" * (SIZE_BYTES - len(start) - 2) + '"}'


def room(tenant: int) -> str:
    return f"noc_tenant_{tenant}"


def packet_of(punch: dict[str, object]) -> str:
    """The packet with the least a client must hear of a punch: its id, in a message of the same
    size.
    """
    start = f'{{"type":"{EVENT}","punch_id":"{punch["punch_id"]}","explanation":"'
    return packet(start + "x" * (SIZE_BYTES - len(start) - 2) + '"}')


def packet(text: str) -> str:
    """The payload as the Socket.IO packet in which it reaches a viewer."""
    return f'42/noc,["{EVENT}",{text}]'
