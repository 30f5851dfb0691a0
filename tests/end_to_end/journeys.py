"""An independent reckoning of IMPOSSIBLE_SHIFTS and teleports, from the words of their definitions,
by arrays and pyproj and no code of ours.

Punches are columns in the order of each person's (time, check-outs first, id), so that neighbours
can be compared.
"""

from itertools import combinations, groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
from pyproj import Geod

MAX_SPELL_HOURS = 36
MAX_WORK_HOURS = 16
REPEAT_S = 10 * 60
HANDOVER_S = 30 * 60
CLOCK_SLACK_S = 120


class Punches(NamedTuple):
    """A row for each punch, ordered by person, time, check-outs first, id."""

    punch_id: np.ndarray
    person: np.ndarray
    site: np.ndarray
    is_check_in: np.ndarray
    seconds: np.ndarray  # since 1970
    longitude: np.ndarray
    latitude: np.ndarray


def in_order(rows: list[dict[str, Any]], clock_slack_s: int = CLOCK_SLACK_S) -> Punches:
    """Put punches of the contract in order; no two of them name one device."""
    instants = np.array(
        [
            np.datetime64(_utc(row["occurred_at"])).astype("datetime64[s]").astype(np.int64)
            for row in rows
        ]
    )
    columns = Punches(
        np.array([row["punch_id"].encode() for row in rows]),
        np.array([row["person_id"] for row in rows]),
        np.array([row["site_id"] for row in rows]),
        np.array([row["kind"] == "check_in" for row in rows]),
        instants,
        np.array([row["longitude"] for row in rows], float),
        np.array([row["latitude"] for row in rows], float),
    )
    order = np.lexsort((columns.punch_id, columns.is_check_in, columns.seconds, columns.person))
    turns = [
        row
        for _, rows in groupby(order, key=lambda row: columns.person[row])
        for row in _in_turn(columns, list(rows), clock_slack_s)
    ]
    return Punches(*(column[turns] for column in columns))


def _in_turn(columns: Punches, rows: list[int], clock_slack_s: int) -> list[int]:
    """One person's punches as they follow each other: at one instant by whether the person is
    there, and a check-in elsewhere at most the slack before the check-out that ends their spell
    after that.
    """
    turns: list[int] = []
    for instant, group in groupby(rows, key=lambda row: columns.seconds[row]):
        together = list(group)
        outs = [row for row in together if not columns.is_check_in[row]]
        ins = [row for row in together if columns.is_check_in[row]]
        left = {columns.site[row] for row in outs}
        is_there = turns and columns.is_check_in[turns[-1]]
        if is_there and instant - columns.seconds[turns[-1]] <= MAX_WORK_HOURS * 3_600:
            turns += outs + ins
        else:
            came = [row for row in ins if columns.site[row] in left]
            turns += came + outs + [row for row in ins if row not in came]
    moved: list[int] = []
    for row in turns:
        place = len(moved)
        if not columns.is_check_in[row]:
            while place and _seems_before(columns, moved[place - 1], row, clock_slack_s):
                place -= 1
            if not place or not _ends_spell(columns, moved[:place], row):
                place = len(moved)
        moved.insert(place, row)
    return moved


def _seems_before(columns: Punches, check_in: int, check_out: int, clock_slack_s: int) -> bool:
    return bool(
        columns.is_check_in[check_in]
        and columns.site[check_in] != columns.site[check_out]
        and columns.seconds[check_out] - columns.seconds[check_in] <= clock_slack_s
    )


def _ends_spell(columns: Punches, before: list[int], check_out: int) -> bool:
    """Whether a check-out ends a spell at its site that began by the last of these, or moves its
    end.
    """
    last = before[-1]
    if columns.site[last] != columns.site[check_out]:
        return False
    apart = columns.seconds[check_out] - columns.seconds[last]
    if columns.is_check_in[last]:
        return bool(apart <= MAX_SPELL_HOURS * 3_600)
    return bool(len(before) > 1 and apart <= HANDOVER_S and _ends_spell(columns, before[:-1], last))


def too_far_too_soon(
    punches: Punches, speed_kmh: float, clock_slack_s: int = CLOCK_SLACK_S, *, min_km: float = 1.0
) -> set[str]:
    """Ids of the check-ins that nobody could reach from the punch before; fixes are exact, and no
    two punches name one device.
    """
    metres, seconds, same_person = _steps(punches)
    reaches = (metres > min_km * 1_000) & _faster(metres, seconds + clock_slack_s, speed_kmh)
    beyond = (
        same_person & (punches.site[1:] != punches.site[:-1]) & punches.is_check_in[1:] & reaches
    )
    return _ids(punches.punch_id[1:][beyond])


def teleports(
    punches: Punches,
    clock_slack_s: int = CLOCK_SLACK_S,
    *,
    speed_kmh: float = 1_000.0,
    min_km: float = 5.0,
) -> set[str]:
    metres, seconds, same_person = _steps(punches)
    is_faster = _faster(metres, seconds + clock_slack_s, speed_kmh)
    return _ids(punches.punch_id[1:][same_person & (metres > min_km * 1_000) & is_faster])


def overlapping(punches: Punches, clock_slack_s: int = CLOCK_SLACK_S) -> set[str]:
    """Ids of the later check-ins of stays at different sites that overlap, also where either ended
    so much earlier.
    """
    ids: set[str] = set()
    for person in np.unique(punches.person):
        rows = _without_bounces(punches, np.flatnonzero(punches.person == person))
        for (start, end), (other_start, other_end) in combinations(_stays(punches, rows), 2):
            apart = punches.site[start] != punches.site[other_start]
            later = max(start, other_start)
            shared = min(
                punches.seconds[end] - punches.seconds[other_start],
                punches.seconds[other_end] - punches.seconds[start],
            )
            if apart and shared > clock_slack_s:
                ids.add(punches.punch_id[later].decode())
    return ids


def _without_bounces(punches: Punches, rows: np.ndarray) -> np.ndarray:
    """Leave out check-outs soon after their check-in that a further check-out there follows."""
    kept: list[int] = []
    began: int | None = None  # the check-in of the spell: repeats of it leave it what it is
    for place, row in enumerate(rows):
        if punches.is_check_in[row]:
            last = kept[-1] if began is not None else None
            repeats = (
                last is not None
                and punches.site[last] == punches.site[row]
                and punches.seconds[row] - punches.seconds[last] <= REPEAT_S
            )
            began = began if repeats else int(row)
        elif began is not None:
            following = rows[place + 1] if place + 1 < len(rows) else None
            if (
                following is not None
                and punches.seconds[row] - punches.seconds[began] <= REPEAT_S
                and not punches.is_check_in[following]
                and punches.site[following] == punches.site[row]
                and punches.seconds[following] - punches.seconds[began] <= MAX_SPELL_HOURS * 3_600
            ):
                continue
            began = None
        kept.append(int(row))
    return np.array(kept, dtype=int)


def _stays(punches: Punches, rows: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of a check-in and the person's next punch at that site, where that is a check-out
    within 36 hours.
    """
    stays = []
    for site in np.unique(punches.site[rows]):
        at_site = rows[punches.site[rows] == site]
        for start, end in pairwise(at_site):
            pairs = punches.is_check_in[start] and not punches.is_check_in[end]
            if pairs and punches.seconds[end] - punches.seconds[start] <= MAX_SPELL_HOURS * 3_600:
                stays.append((int(start), int(end)))
    return stays


def _steps(punches: Punches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From each punch to the next: metres, seconds, and whether both are one person's."""
    earlier, later = slice(None, -1), slice(1, None)
    _, _, metres = Geod(ellps="WGS84").inv(
        punches.longitude[earlier],
        punches.latitude[earlier],
        punches.longitude[later],
        punches.latitude[later],
    )
    return metres, np.diff(punches.seconds), punches.person[1:] == punches.person[:-1]


def _faster(metres: np.ndarray, seconds: np.ndarray, speed_kmh: float) -> np.ndarray:
    return metres / 1_000 > speed_kmh * seconds / 3_600


def _ids(ids: np.ndarray) -> set[str]:
    return {punch_id.decode() for punch_id in ids}


def _utc(occurred_at: str) -> str:
    """The moment in UTC, for numpy, which knows no zones."""
    moment, sign, offset = occurred_at[:19], occurred_at[19], occurred_at[20:]
    minutes = int(offset[:2]) * 60 + int(offset[3:])
    return str(np.datetime64(moment) - np.timedelta64(minutes if sign == "+" else -minutes, "m"))
