"""Taking what workers of the release before wrote into rosters as said, when a worker starts."""

import structlog

from models.database import make_engine
from models.intake.roster.adopting import NOT_ADOPTED
from models.intake.submitting import adopt_rows
from models.settings import Settings

SECONDS = 5.0  # what is left then is for upkeep, within ten minutes

log = structlog.get_logger(__name__)


def adopt_before_the_first_task(settings: Settings) -> None:
    """Take the rows of all tenants, and start without where Postgres is away.

    No connection outlives it, as this process is about to fork.
    """
    engine = make_engine(settings.database_url)
    try:
        adopt_rows(engine, seconds=SECONDS)
    except Exception as error:
        log.error(NOT_ADOPTED, exc_info=error)
    finally:
        engine.dispose()
