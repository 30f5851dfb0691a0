"""roster.sync: what was planned comes in row by row, and changes are noted for the judge."""

from models.intake.roster.sync import RefusedRow, RosterOutcome, take_roster

__all__ = ["RefusedRow", "RosterOutcome", "take_roster"]
