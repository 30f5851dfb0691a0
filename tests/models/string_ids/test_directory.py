"""What a process knows of string ids: the last that it met, and never more than it should."""

from models.ids import StringId
from models.string_ids.directory import Directory, Stored


def rows(first: int, count: int) -> list[Stored]:
    return [Stored(0, -number, f"text {number}") for number in range(first, first + count)]


def known(directory: Directory, first: int, count: int) -> int:
    """Return how many of the ids are known, both ways."""
    both = [
        (directory.by_number(number), directory.by_text(tenant, text))
        for tenant, number, text in rows(first, count)
    ]
    assert all((one is None) == (other is None) for one, other in both)
    return sum(one is not None for one, _ in both)


def test_an_id_is_known_by_number_and_by_its_tenants_text() -> None:
    directory = Directory()
    directory.learn([Stored(1, -5, "a"), Stored(2, -6, "a")])
    of_one, of_two = directory.by_number(-5), directory.by_number(-6)
    assert isinstance(of_one, StringId)
    assert isinstance(of_two, StringId)
    assert ((of_one, of_one.number), (of_two, of_two.number)) == (("a", -5), ("a", -6))
    assert directory.by_text(1, "a") == "a"
    assert directory.by_text(3, "a") is None
    directory.forget()
    assert directory.by_number(-5) is None
    assert directory.by_text(1, "a") is None


def test_all_that_is_learnt_at_once_is_known_however_much_that_is() -> None:
    directory = Directory(kept=10)
    for first in (1, 1_000, 2_000):
        directory.learn(rows(first, 500))
        assert known(directory, first, 500) == 500


def test_what_was_met_long_ago_goes_and_what_is_asked_for_stays() -> None:
    directory = Directory(kept=10)
    directory.learn(rows(1, 10))
    for first in range(100, 1_000, 10):
        assert known(directory, 1, 5) == 5
        directory.learn(rows(first, 10))
    assert known(directory, 1, 10) == 5
    assert known(directory, 100, 900) <= 4 * 2 * 10


def test_however_much_is_asked_for_again_and_again_memory_is_bounded() -> None:
    directory = Directory(kept=10)
    for first in range(1, 2_000, 10):
        directory.learn(rows(first, 10))
        known(directory, 1, 2_000)
    assert known(directory, 1, 2_000) <= 200
