"""The door: what comes in is checked, stored, corrected, voided or refused here, whichever way it
came.
"""

from models.intake.door import submit, sync_roster
from models.intake.publish import Publication, publish
from models.intake.refused.outcome import Outcome
from models.intake.resubmission.resubmit import resubmit
from models.intake.roster import RosterOutcome
from models.intake.submitter import OutsideSites, Submitter
from models.intake.void import void

__all__ = [
    "Outcome",
    "OutsideSites",
    "Publication",
    "RosterOutcome",
    "Submitter",
    "publish",
    "resubmit",
    "submit",
    "sync_roster",
    "void",
]
