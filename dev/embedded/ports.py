"""Finds free ports of this machine, and tells whether one is taken."""

import secrets
import socket

# Below the ports of outgoing connections, which could take one between our look and the server's
# start.
_RANGE = range(15_000, 32_000)


def free_port() -> int:
    """Choose a loopback port on which nobody listens now, and which hardly anybody will ask for."""
    while is_taken(port := secrets.choice(_RANGE)):
        continue
    return port


def is_taken(port: int) -> bool:
    """Whether a server that wanted every interface, or the loopback one, would be refused."""
    for address in ("0.0.0.0", "127.0.0.1"):  # noqa: S104
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return True
    return False
