"""Dense: what judging 1,000 of many punches costs that have something in common, as a ratio to as
many that have nothing.
"""

import psycopg

from dev.bench.databases import migrated
from dev.bench.piles import (
    PILES,
    SPREAD,
    SPREAD_BODIES,
    Pile,
    cpu_of_judging,
    found_company,
    store,
    touched,
)
from dev.bench.stage import Stage

RATIO = "CPU of judging, to punches apart"
_ROUNDS = 3


def run(stage: Stage) -> None:
    judged = stage.size.piled // 20
    with (
        migrated(stage.postgres_url) as url,
        psycopg.connect(url.replace("+psycopg", "")) as connection,
    ):
        found_company(connection)
        connection.commit()
        apart = {
            spread.one_body: _seconds(connection, spread, stage.size.piled, judged, newest=True)
            for spread in (SPREAD, SPREAD_BODIES)
        }
        for pile in PILES:
            for newest in (True, False):
                seconds = _seconds(connection, pile, stage.size.piled, judged, newest=newest)
                case = f"{pile.name}, {'the newest' if newest else 'of all times'}"
                stage.figures.add(
                    "dense", case, RATIO, "rollcall", "ours", seconds / apart[pile.one_body]
                )


def _seconds(
    connection: psycopg.Connection, pile: Pile, count: int, judged: int, *, newest: bool
) -> float:
    store(connection, pile, count)
    some = touched(connection.cursor(), judged, newest=newest)
    return min(cpu_of_judging(connection, some) for _ in range(_ROUNDS))
