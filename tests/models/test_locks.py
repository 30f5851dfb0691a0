"""Advisory locks: tenants and classes of locks never share a key, and every key fits."""

from models.ids import NOBODY, Id, StringId
from models.locks import rejected_lock_key, tenant_lock_key


def test_each_tenant_and_class_has_a_key_of_its_own() -> None:
    tenants: list[Id] = [*range(1, 2_000), 2**53 - 1]
    tenants += [StringId(str(number), NOBODY + number) for number in range(1, 2_000)]
    keys = {key(tenant) for tenant in tenants for key in (tenant_lock_key, rejected_lock_key)}
    assert len(keys) == 2 * len(tenants)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_a_key_is_the_same_in_every_process() -> None:
    assert tenant_lock_key(1) == -2465877053304572121
