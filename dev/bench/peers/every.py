"""Every peer by its name, imported when it is used: their packages are in the extra `bench`, which
a machine need not have.
"""

from collections.abc import Iterable, Iterator

from dev.bench.peers.contender import Contender

NODE, COMPRESSING, PLAIN, UVICORN, DAPHNE = (
    "node",
    "node, compressing",
    "python-socketio",
    "channels/uvicorn",
    "channels/daphne",
)


def peers(redis_url: str, names: Iterable[str], without: frozenset[str]) -> Iterator[Contender]:
    for name in names:
        if name not in without:
            yield _peer(name, redis_url)


def _peer(name: str, redis_url: str) -> Contender:
    if name in (NODE, COMPRESSING):
        from dev.bench.peers.node import Node

        return Node(redis_url, compressing=name == COMPRESSING)
    if name == PLAIN:
        from dev.bench.peers.plain import Plain

        return Plain(redis_url)
    from dev.bench.peers.channels import Channels

    return Channels(redis_url, name.partition("/")[2])
