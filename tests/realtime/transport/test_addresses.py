"""Whose connection it is."""

import pytest

from realtime.transport.addresses import Proxies, counted_as

pytestmark = pytest.mark.unit

PROXIES = Proxies(["10.0.0.5", "192.168.0.0/24", "fd00::/8"])


def test_nobody_but_a_named_proxy_is_believed() -> None:
    assert PROXIES.client_of("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    assert Proxies([]).client_of("10.0.0.5", "198.51.100.1") == "10.0.0.5"


def test_the_last_address_that_is_no_proxys_is_the_clients() -> None:
    for peer in ("10.0.0.5", "::ffff:10.0.0.5", "192.168.0.77", "fd00::1"):
        assert PROXIES.client_of(peer, "198.51.100.1") == "198.51.100.1"
    assert PROXIES.client_of("10.0.0.5", "1.1.1.1, 198.51.100.1, 192.168.0.3") == "198.51.100.1"


@pytest.mark.parametrize("header", ["", "unknown", "198.51.100.1, _hidden", "10.0.0.5"])
def test_a_proxy_that_reports_nothing_is_counted_itself(header: str) -> None:
    assert PROXIES.client_of("10.0.0.5", header) == "10.0.0.5"


def test_addresses_are_counted_as_whoever_has_them_to_himself() -> None:
    assert counted_as("::ffff:192.0.2.1") == "192.0.2.1"
    assert counted_as("2001:db8:1:2:3:4:5:6") == counted_as("2001:db8:1:2::9") != "unknown"
    assert counted_as("fe80::1%eth0") == "fe80::/64"
    assert counted_as("192.0.2.1:4711") == "192.0.2.1"
    assert counted_as("[2001:db8::1]:4711") == counted_as("2001:db8::1") == "2001:db8::/64"
    assert counted_as("") == counted_as("/run/socket") == "unknown"
