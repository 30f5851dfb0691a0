"""Checking, storing, correcting, voiding and refusing what comes in, by whichever door."""

from models.intake.publish import Publication, publish
from models.intake.refused.outcome import Outcome
from models.intake.resubmission.resubmit import resubmit
from models.intake.roster import RosterOutcome
from models.intake.submitter import OutsideSites, Submitter
from models.intake.submitting import submit, sync_roster
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
