"""Dense piles and fair turns: whatever a tenant piles up, another's punch is judged in time."""

import pytest

from tests.abuse.cast import batches, pile, undeclared_clock
from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import POOL_PROCESSES, Installation
from tests.abuse.size import IS_FULL, JUDGED_SECONDS, SIZE
from tests.end_to_end.waiting import wait_until

# One pile leaves a process of the pool free; as many as there are leave none.
PILES = [1, POOL_PROCESSES] if IS_FULL else [POOL_PROCESSES]


@pytest.mark.parametrize("tenants", PILES)
def test_piles_of_one_second_in_some_tenants_do_not_delay_another(
    installation: Installation, tenants: int
) -> None:
    hostile = [installation.found() for _ in range(tenants)]
    with healthy_viewer(installation) as viewer:
        for tenant_id in hostile:
            installation.send(batches(pile(tenant_id, SIZE.pile)))
        viewer.go_on()
        _until_judged(installation, hostile, SIZE.pile)


def test_a_clock_that_nobody_declared_does_not_delay_another_tenant(
    installation: Installation,
) -> None:
    hostile = [installation.found() for _ in range(POOL_PROCESSES)]
    with healthy_viewer(installation) as viewer:
        for tenant_id in hostile:
            installation.send(batches(undeclared_clock(tenant_id, SIZE.clock)))
        viewer.go_on()
        _until_judged(installation, hostile, SIZE.clock)


def _until_judged(installation: Installation, tenants: list[int], count: int) -> None:
    """Wait until each of the tenants has so many punches stored, and all of them judged."""
    wait_until(
        lambda: (
            all(installation.stored(tenant_id) == count for tenant_id in tenants)
            and installation.waiting(*tenants) == 0
        ),
        f"{count} punches of each of {len(tenants)} tenants are judged",
        seconds=JUDGED_SECONDS,
    )
