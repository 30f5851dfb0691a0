"""Shifts that nobody came for, and posts that nobody is at, by the definitions, plainly."""

from datetime import datetime, timedelta

from tests.properties.reference import Company
from tests.properties.reference_words import Spell, Words
from worker.rules.window import Shift

DAYS_TOLD_BY = timedelta(days=14)  # what somebody punches by


class Quiet:
    def __init__(self, company: Company, words: Words) -> None:
        self.company = company
        self.words = words

    # A silent source

    def began_in_a_silence(self, shift: Shift) -> bool:
        """Whether nothing was heard of the site, or the usual device, of a shift as it began."""
        at_site = [punch for punch in self.company.punches if punch.site_id == shift.site_id]
        everybody = [other for other in self.company.shifts if other.site_id == shift.site_id]
        if self._is_silent(shift, [punch.occurred_at for punch in at_site], everybody):
            return True
        device_id = self.usual_device(shift)
        if device_id is None:
            return False
        by_device = [punch for punch in self.company.punches if punch.device_id == device_id]
        alike = [other for other in everybody if self.usual_device(other) == device_id]
        return self._is_silent(shift, [punch.occurred_at for punch in by_device], alike)

    def usual_device(self, shift: Shift) -> str | None:
        """Return the device that brought nine in ten of the person's punches at the site."""
        devices = [
            punch.device_id
            for punch in self.company.punches
            if (punch.person_id, punch.site_id) == (shift.person_id, shift.site_id)
            and shift.starts_at - DAYS_TOLD_BY <= punch.occurred_at < shift.starts_at
        ]
        for device_id in devices:
            if device_id is not None and 10 * devices.count(device_id) >= 9 * len(devices):
                return device_id
        return None

    def _is_silent(self, shift: Shift, heard: list[datetime], shifts: list[Shift]) -> bool:
        """Whether a shift began in a silence of what was heard at these moments."""
        keys = self.company.keys(shift.site_id)
        moments = sorted(set(heard))
        for since, until in zip(moments, [*moments[1:], None], strict=True):
            if shift.starts_at < since or (until is not None and until <= shift.starts_at):
                continue
            ends_at = self.company.as_of if until is None else until
            began = [
                other
                for other in shifts
                if since <= other.starts_at
                and other.starts_at + keys.minutes("no_show_after_minutes") < ends_at
                and (self.checked_in_for(other) or self._was_to_come(other))
            ]
            came = [
                other
                for other in began
                if any(until is None or moment < until for moment in self.checked_in_for(other))
            ]
            people = {other.person_id for other in began}
            return len(people) >= keys["silent_people"] and 10 * len(came) <= len(began)
        return False

    def _was_to_come(self, shift: Shift) -> bool:
        return not self.words.is_attended(shift) and not self.company.is_covered(
            shift, shift.person_id
        )

    def checked_in_for(self, shift: Shift) -> list[datetime]:
        """Return when people checked in for a shift."""
        return [
            punch.occurred_at
            for person_id in set(shift.entitled)
            for punch in self.company.turns.get(person_id, [])
            if punch.is_check_in and self.words.shift_of_check_in(punch) == shift
        ]

    # An empty post

    def is_post_empty(self, shift: Shift) -> bool:
        now = self.company.as_of
        if not shift.starts_at <= now <= shift.ends_at or not self.words.is_attended(shift):
            return False
        longest = self.company.keys(shift.site_id).minutes("post_empty_minutes")
        there = [shift.starts_at]
        for other in self.company.shifts:
            if other.site_id == shift.site_id and other.starts_at <= now:
                for person_id in set(other.entitled):
                    for spell in self.words.spells_of(person_id):
                        there += self._there_until(spell, other)
        return self.company.roster_complete and now - max(there) > longest

    def _there_until(self, spell: Spell, shift: Shift) -> list[datetime]:
        """Return the last moment up to now at which a spell's person was there during a shift."""
        if spell.site_id != shift.site_id:
            return []
        latest = min(shift.ends_at, self.company.as_of)
        until = min(spell.counted_until, latest)
        is_for = spell.counted_until > shift.starts_at or self.company.is_within_reach(
            shift, spell.begins_at
        )
        if spell.is_open and is_for:
            until = latest
        return [until] if max(spell.begins_at, shift.starts_at) <= until else []
