"""Where a client is: the address of its connection or, behind a proxy that is named, the one that
the proxy reports.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

# One customer of a provider has at least so much of IPv6 to himself.
_IPV6_PREFIX = 64
UNKNOWN = "unknown"


class Proxies:
    """The proxies of TRUSTED_PROXIES, addresses or networks: what they report is believed."""

    def __init__(self, named: Sequence[str]) -> None:
        self._networks = [ip_network(name, strict=False) for name in named]

    def include(self, address: str) -> bool:
        """Return whether this is the address of a named proxy."""
        known = _read(address)
        return known is not None and any(known in network for network in self._networks)

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """Return the client's address as it is counted.

        `forwarded_for` is the header X-Forwarded-For. Each proxy adds its peer at the end, so the
        last address that is no named proxy's is the client's; what stands before it anybody may
        have written.
        """
        if not self.include(peer):
            return counted_as(peer)
        for reported in reversed(forwarded_for.split(",")):
            if _read(reported) is None:
                break
            if not self.include(reported):
                return counted_as(reported)
        return counted_as(peer)


def counted_as(address: str) -> str:
    """Return what connections from this address are counted by: of IPv6, its network of 64 bits."""
    known = _read(address)
    if known is None:
        return UNKNOWN
    if isinstance(known, IPv6Address):
        return str(ip_network((known, _IPV6_PREFIX), strict=False))
    return str(known)


def _without_port(text: str) -> str:
    """Return the address of what some proxies report: 192.0.2.1:4711, or [2001:db8::1]:4711."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _read(text: str) -> Any:
    try:
        address = ip_address(_without_port(text.strip()).partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
