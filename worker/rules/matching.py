"""Who takes which place, so that as many places are taken as can be."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Place = TypeVar("Place", bound=Hashable)
Taker = TypeVar("Taker", bound=Hashable)


def matching(candidates: Mapping[Place, Sequence[Taker]]) -> dict[Taker, Place]:
    """Return which place each taker has: of the places as many as can be, earlier ones first; each
    asks its candidates in turn, and moves others to another place only where none is free.

    Source: Kuhn, "The Hungarian method for the assignment problem" (1955): augmenting paths, here
    by breadth.
    """
    taken: dict[Taker, Place] = {}
    taker_of: dict[Place, Taker] = {}
    for place in candidates:
        asked_for: dict[Taker, Place] = {}
        taker = _free(place, candidates, taken, asked_for)
        while taker is not None:
            freed = asked_for[taker]
            before = taker_of.get(freed)
            taken[taker], taker_of[freed] = freed, taker
            taker = before if freed != place else None
    return taken


def _free(
    place: Place,
    candidates: Mapping[Place, Sequence[Taker]],
    taken: Mapping[Taker, Place],
    asked_for: dict[Taker, Place],
) -> Taker | None:
    """Return a taker who is free, for this place or for one whose taker may move on: `asked_for`
    has, of each who was asked, for which.
    """
    waiting = [place]
    for wanted in waiting:
        for taker in candidates[wanted]:
            if taker in asked_for:
                continue
            asked_for[taker] = wanted
            if taker not in taken:
                return taker
            waiting.append(taken[taker])
    return None
