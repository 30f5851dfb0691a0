"""What stands on each punch and shift by the definitions, type by type, reason by reason."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from statistics import mean, stdev

from models.ids import Id
from tests.properties.reference import (
    BODIES,
    Company,
    Keys,
    Place,
    Told,
    fix_of,
    is_impossible,
    is_same_device,
    is_too_fast,
    metres,
    slack_m,
    whose_body,
)
from tests.properties.reference_quiet import Quiet
from tests.properties.reference_words import NO_TIME, Spell, Words
from worker.rules.window import Punch, Shift

Reasons = Iterator[tuple[str, str, str, float]]  # subject, reason, severity, confidence
DAY = timedelta(hours=24)


def standing(company: Company) -> set[Told]:
    """Return all reasons that stand, of each subject and type."""
    reference = Reference(company)
    return {
        Told(subject, anomaly_type, reason, severity, confidence)
        for anomaly_type, tell in reference.types.items()
        for subject, reason, severity, confidence in tell()
        if not company.keys(reference.site_of(subject)).is_off(anomaly_type)
    }


class Reference:
    def __init__(self, company: Company) -> None:
        self.company = company
        self.words = Words(company)
        self.quiet = Quiet(company, self.words)
        self.types: dict[str, Callable[[], Reasons]] = {
            "WRONG_PERSON": self.wrong_person,
            "UNAUTHORIZED_SITE": self.unauthorized_site,
            "IMPOSSIBLE_SHIFTS": self.impossible_shifts,
            "OVERTIME_VIOLATION": self.overtime_violation,
            "BUDDY_PUNCHING": self.buddy_punching,
            "GPS_SPOOFING": self.gps_spoofing,
            "GEOFENCE_VIOLATION": self.geofence_violation,
            "BIOMETRIC_ANOMALY": self.biometric_anomaly,
            "SCHEDULE_MISMATCH": self.schedule_mismatch,
        }
        self._in_place_of: dict[str, set[str]] | None = None

    def site_of(self, subject: str) -> Id:
        rows: list[Punch | Shift] = [*self.company.punches, *self.company.shifts]
        return next(
            row.site_id
            for row in rows
            if subject == (row.punch_id if isinstance(row, Punch) else row.shift_id)
        )

    def keys(self, row: Punch | Shift) -> Keys:
        return self.company.keys(row.site_id)

    # WRONG_PERSON

    def wrong_person(self) -> Reasons:
        for punch in self.company.punches:
            if self._is_another_person(punch):
                score = punch.biometric_score
                confidence = 0.95 if score is None else score
                yield punch.punch_id, "face_is_another_person", "CRITICAL", confidence
        for punch_id in self.in_place_of():
            yield punch_id, "in_place_of", "HIGH", 0.90

    def _is_another_person(self, punch: Punch) -> bool:
        return punch.biometric_person_id not in (None, punch.person_id)

    def in_place_of(self) -> dict[str, set[str]]:
        """Return the shifts that each check-in in somebody's place is told for."""
        if self._in_place_of is None:
            self._in_place_of = {}
            for turn in self.company.turns.values():
                told: set[str] = set()
                for punch in turn:
                    unattended = self._unattended_at(punch) - told
                    if unattended:
                        self._in_place_of[punch.punch_id] = unattended
                        told |= unattended
        return self._in_place_of

    def _unattended_at(self, punch: Punch) -> set[str]:
        if not punch.is_check_in or not self.company.roster_complete:
            return set()
        here = self._shifts_here(punch)
        if any(punch.person_id in shift.entitled for shift in here):
            return set()
        if self.words.is_excused(punch) or self.words.is_early(punch):
            return set()
        grace = self.keys(punch).minutes("grace_minutes")
        return {
            shift.shift_id
            for shift in here
            if not self.words.attending_by(max(punch.occurred_at, shift.starts_at + grace))[
                shift.shift_id
            ]
        }

    def _shifts_here(self, punch: Punch) -> list[Shift]:
        return [
            shift
            for shift in self.company.shifts_in_order
            if shift.site_id == punch.site_id
            and shift.entitled
            and self.company.is_within_reach(shift, punch.occurred_at)
        ]

    # UNAUTHORIZED_SITE

    def unauthorized_site(self) -> Reasons:
        if not self.company.roster_complete:
            return
        for punch in self.company.punches:
            if not self._is_asked_as_check_in(punch):
                continue
            if self.company.people and punch.person_id not in self.company.people:
                yield punch.punch_id, "unknown_person", "CRITICAL", 0.90
            if (
                any(row.is_valid(punch.occurred_at) for row in self.company.assignments)
                and not self._is_assigned(punch)
                and not self.words.own_here_within_reach(punch)
                and not self.words.is_excused(punch)
                and not self._is_early_here(punch)
            ):
                yield punch.punch_id, "not_assigned", "CRITICAL", 0.90

    def _is_asked_as_check_in(self, punch: Punch) -> bool:
        """Whether it is the first check-in of a work period, or a check-out of nobody's spell."""
        if punch.is_check_in:
            return self._begins_period(punch)
        if punch.punch_id in self.words.bounces:
            return False
        spell = self.words.spell_closed_by(punch)
        if spell is not None and spell.site_id == punch.site_id:
            return False
        return not self.words.goes_on_with_period(punch)

    def _begins_period(self, check_in: Punch) -> bool:
        begins_spell = self.words.spell_begun_by(check_in) is not None
        return begins_spell and not self.words.goes_on_with_period(check_in)

    def _is_early_here(self, punch: Punch) -> bool:
        return self.words.is_early(punch._replace(is_check_in=True))

    def _is_assigned(self, punch: Punch) -> bool:
        return any(
            row.person_id in self.company.records(punch.person_id, punch.occurred_at)
            and row.site_id == punch.site_id
            and row.is_valid(punch.occurred_at)
            for row in self.company.assignments
        )

    # IMPOSSIBLE_SHIFTS

    def impossible_shifts(self) -> Reasons:
        for turn in self.company.turns.values():
            for before, punch in pairwise(turn):
                if (
                    punch.is_check_in
                    and before.site_id != punch.site_id
                    and self._is_way_too_fast(before, punch, self.keys(punch))
                ):
                    yield punch.punch_id, "too_far_too_soon", "CRITICAL", 0.85
            yield from self._overlapping(self._stays_of(turn))

    def _took(self, before: Punch, punch: Punch, keys: Keys) -> timedelta:
        slack = NO_TIME if is_same_device(before, punch) else keys.seconds("clock_slack_seconds")
        return punch.occurred_at - before.occurred_at + slack

    def _is_way_too_fast(self, before: Punch, punch: Punch, keys: Keys) -> bool:
        one, other = self.words.place_of(before), self.words.place_of(punch)
        if one is None or other is None:
            return False
        took = self._took(before, punch, keys)
        return is_too_fast(one, other, took, keys, "min_travel_km", "max_travel_speed_kmh")

    def _stays_of(self, turn: list[Punch]) -> list[tuple[Punch, Punch]]:
        counting = [punch for punch in turn if punch.punch_id not in self.words.bounces]
        stays = []
        for index, check_in in enumerate(counting):
            after = [p for p in counting[index + 1 :] if p.site_id == check_in.site_id]
            if check_in.is_check_in and after and not after[0].is_check_in:
                longest = self.keys(check_in).hours("max_spell_hours")
                if after[0].occurred_at - check_in.occurred_at <= longest:
                    stays.append((check_in, after[0]))
        return stays

    def _overlapping(self, stays: list[tuple[Punch, Punch]]) -> Reasons:
        for number, (later, later_end) in enumerate(stays):
            slack = self.keys(later).seconds("clock_slack_seconds")
            for earlier, end in stays[:number]:
                if earlier.site_id == later.site_id:
                    continue
                if self._roves_at(earlier) or self._roves_at(later):
                    continue
                first = NO_TIME if is_same_device(end, later) else slack
                second = NO_TIME if is_same_device(later_end, earlier) else slack
                if (
                    end.occurred_at - later.occurred_at > first
                    and later_end.occurred_at - earlier.occurred_at > second
                ):
                    yield later.punch_id, "overlapping", "CRITICAL", 0.85

    def _roves_at(self, punch: Punch) -> bool:
        return self.company.roves(punch.person_id, punch.site_id, punch.occurred_at)

    # OVERTIME_VIOLATION

    def overtime_violation(self) -> Reasons:
        for spell in self.words.spells:
            keys = self.company.keys(spell.site_id)
            subject = spell.check_in.punch_id
            if spell.is_closed and self._worked(spell) > keys.hours("max_work_hours"):
                if self._is_planned(spell):
                    continue
                if self._is_forgotten_pair(spell):
                    yield subject, "worked_too_long", "LOW", 0.50
                else:
                    yield subject, "worked_too_long", "HIGH", 0.98
            if spell.is_open:
                yield from self._still_working(spell)

    def _worked(self, spell: Spell) -> timedelta:
        end = spell.counted_until
        worked = NO_TIME
        for other in self.words.spells_of(spell.person_id):
            if other == spell or (other.is_closed and not self._is_forgotten_pair(other)):
                inside = min(other.counted_until, end) - max(other.begins_at, end - DAY)
                worked += max(inside, NO_TIME)
        return worked

    def _shifts_of(self, spell: Spell) -> list[Shift]:
        own = self.company.own_shifts(spell.person_id)
        belongs = self.words.shift_of_check_in(spell.check_in)
        return [shift for shift in own if spell.shares(shift) or shift == belongs]

    def _is_forgotten_pair(self, spell: Spell) -> bool:
        keys = self.company.keys(spell.site_id)
        after = keys.hours("missing_check_out_after_hours")
        shifts = [
            shift for shift in self._shifts_of(spell) if shift.starts_at < spell.counted_until
        ]
        if not shifts:
            longest = keys.hours("max_work_hours") + after
            is_longer = spell.counted_until - spell.begins_at > longest
            return is_longer or self.words.checks_out(spell.check_in) is False
        last = self._last_begun(spell, spell.counted_until)
        return (
            last is not None and spell.counted_until - last.ends_at > after
        ) or self._longest_outside(spell, shifts) > after

    def _last_begun(self, spell: Spell, by: datetime) -> Shift | None:
        """Return the own shift that a spell last ran on into by a moment, else its check-in's."""
        further = [
            shift
            for shift in self.company.own_shifts(spell.person_id)
            if shift.site_id == spell.site_id
            and spell.begins_at < shift.starts_at < by
            and not self.words.is_left_out(shift, spell.person_id)
        ]
        if not further:
            return self.words.shift_of_check_in(spell.check_in)
        latest = max(shift.starts_at for shift in further)
        together = [shift for shift in further if shift.starts_at == latest]
        attended = [
            shift
            for shift in together
            if spell.person_id in self.words.attending.get(shift.shift_id, set())
        ]
        return (attended or together)[0]

    def _longest_outside(self, spell: Spell, shifts: list[Shift]) -> timedelta:
        covered_until, longest = spell.begins_at, NO_TIME
        for shift in sorted(shifts, key=lambda shift: shift.starts_at):
            longest = max(longest, shift.starts_at - covered_until)
            covered_until = max(covered_until, shift.ends_at)
        return max(longest, spell.counted_until - covered_until)

    def _is_planned(self, spell: Spell) -> bool:
        """Whether its own shifts are as long, but for the grace."""
        keys = self.company.keys(spell.site_id)
        planned, until = NO_TIME, datetime.min.replace(tzinfo=spell.begins_at.tzinfo)
        for shift in sorted(self._shifts_of(spell), key=lambda shift: shift.starts_at):
            planned += max(shift.ends_at - max(shift.starts_at, until), NO_TIME)
            until = max(until, shift.ends_at)
        worked = max(self._worked(spell), spell.counted_until - spell.begins_at)
        return worked - planned <= keys.minutes("grace_minutes")

    def _still_working(self, spell: Spell) -> Reasons:
        keys = self.company.keys(spell.site_id)
        beyond = self.company.as_of - spell.begins_at - keys.hours("max_work_hours")
        if not NO_TIME < beyond <= keys.hours("missing_check_out_after_hours"):
            return
        checks_out = self.words.checks_out(spell.check_in)
        if checks_out is False:
            return
        last = self._last_begun(spell, self.company.as_of)
        is_over = last is not None and last.ends_at < self.company.as_of
        is_doubtful = is_over or checks_out is None
        is_forgotten = is_doubtful or self.words.is_held_over(spell.check_in)
        severity, confidence = ("LOW", 0.50) if is_forgotten else ("HIGH", 0.98)
        yield spell.check_in.punch_id, "still_working", severity, confidence

    # BUDDY_PUNCHING

    def buddy_punching(self) -> Reasons:
        for punch in self.company.punches:
            device = self.company.device(punch.device_id)
            if any(self._shares_device(punch, other) for other in self.company.punches):
                if device is None:
                    yield punch.punch_id, "same_undeclared_device", "LOW", 0.40
                elif not device.shared:
                    yield punch.punch_id, "same_device", "CRITICAL", 0.95
            if (
                device
                and not device.shared
                and device.person_id is not None
                and self.company.owner(device, punch.occurred_at) != punch.person_id
            ):
                yield punch.punch_id, "anothers_device", "HIGH", 0.80
            if any(self._is_in_two_places(punch, other) for other in self.company.punches):
                yield punch.punch_id, "two_places_at_once", "CRITICAL", 0.95

    def _are_near(self, punch: Punch, other: Punch) -> bool:
        window = self.keys(punch).minutes("buddy_window_minutes")
        return abs(punch.occurred_at - other.occurred_at) <= window

    def _shares_device(self, punch: Punch, other: Punch) -> bool:
        keys = self.keys(punch)
        return (
            is_same_device(punch, other)
            and punch.person_id != other.person_id
            and self._are_near(punch, other)
            and not (_is_shown_live(punch, keys) and _is_shown_live(other, keys))
        )

    def _is_in_two_places(self, punch: Punch, other: Punch) -> bool:
        return (
            whose_body(punch) is not None
            and whose_body(punch) == whose_body(other)
            and punch.site_id != other.site_id
            and self._are_near(punch, other)
            and not self._is_a_way(punch, other, self.keys(punch))
        )

    def _is_a_way(self, punch: Punch, other: Punch, keys: Keys) -> bool:
        """Whether one is a check-out, and the other a check-in to which there was time to go."""
        if punch.is_check_in is other.is_check_in:
            return False
        check_out, check_in = (other, punch) if punch.is_check_in else (punch, other)
        if self._took(check_out, check_in, keys) < NO_TIME:
            return False
        return not self._is_way_too_fast(check_out, check_in, keys)

    # GPS_SPOOFING

    def gps_spoofing(self) -> Reasons:
        for punch in self.company.punches:
            if punch.is_mock_location:
                yield punch.punch_id, "mock_location", "CRITICAL", 0.99
            if is_impossible(punch):
                yield punch.punch_id, "impossible_coordinates", "CRITICAL", 0.95
        for turn in self.company.turns.values():
            with_fix = [punch for punch in turn if self.words.punch_with_fix(punch) == punch]
            for before, punch in pairwise(with_fix):
                keys = self.keys(punch)
                took = self._took(before, punch, keys)
                one, other = _place(before), _place(punch)
                if is_too_fast(one, other, took, keys, "teleport_min_km", "teleport_speed_kmh"):
                    yield punch.punch_id, "teleport", "CRITICAL", 0.95

    # GEOFENCE_VIOLATION

    def geofence_violation(self) -> Reasons:
        for punch in self.company.punches:
            outside = self._outside_by(punch)
            if outside is None or not self._is_outside(punch):
                continue
            excuses = self._excuses(punch, outside)
            for reason in excuses:
                yield punch.punch_id, reason, "LOW", 0.40
            if not excuses:
                yield punch.punch_id, "outside_fence", "HIGH", 0.90

    def _excuses(self, punch: Punch, outside_m: float) -> list[str]:
        keys, claim = self.keys(punch), punch.accuracy_m
        is_coarse = (
            claim is not None
            and claim > keys["gps_accuracy_cap_m"]
            and outside_m <= 2 * min(claim, keys["coarse_fix_cap_m"])
        )
        excuses = {
            "coarse_fix_outside": is_coarse,
            "cached_fix_outside": self._is_cached(punch),
            "stale_fix": self._is_stale(punch),
        }
        return [reason for reason, holds in excuses.items() if holds]

    def _outside_by(self, punch: Punch) -> float | None:
        """Return how far outside the circle a fix is; None where nobody can tell."""
        site, fix = self.company.site(punch.site_id), fix_of(punch)
        if site is None or site.latitude is None or site.longitude is None or fix is None:
            return None
        default = self.keys(punch)["default_radius_m"]
        radius: float = default if site.radius_m is None else site.radius_m
        return metres(Place(site.latitude, site.longitude, 0), fix) - radius

    def _is_outside(self, punch: Punch) -> bool:
        outside = self._outside_by(punch)
        return outside is not None and outside > 2 * slack_m(_place(punch), self.keys(punch))

    def _is_cached(self, punch: Punch) -> bool:
        last = self.company.previous(punch)
        return (
            last is not None
            and last.site_id != punch.site_id
            and (last.latitude, last.longitude, last.accuracy_m)
            == (punch.latitude, punch.longitude, punch.accuracy_m)
            and abs(punch.occurred_at - last.occurred_at)
            <= self.keys(punch).minutes("cached_fix_minutes")
        )

    def _is_stale(self, punch: Punch) -> bool:
        tap, good = self.words.tap_of(punch), self.words.punch_with_fix(punch)
        return (
            good is not None and tap.index(punch) < tap.index(good) and not self._is_outside(good)
        )

    # BIOMETRIC_ANOMALY

    def biometric_anomaly(self) -> Reasons:
        for punch in self.company.punches:
            if punch.biometric_method not in BODIES:
                continue
            keys = self.keys(punch)
            liveness, score = punch.biometric_liveness, punch.biometric_score
            if liveness is not None and liveness < keys["biometric_min_liveness"]:
                yield punch.punch_id, "not_live", "HIGH", 0.90
            if score is None:
                continue
            if score < keys["biometric_min_score"]:
                yield punch.punch_id, "low_score", "MEDIUM", 0.75
            if self._is_below_own_baseline(punch, score, keys):
                yield punch.punch_id, "below_own_baseline", "MEDIUM", 0.75

    def _is_below_own_baseline(self, punch: Punch, score: float, keys: Keys) -> bool:
        turn = self.company.turns[punch.person_id]
        earlier = [
            Fraction(repr(other.biometric_score))
            for other in turn[: turn.index(punch)]
            if other.biometric_method == punch.biometric_method
            and other.biometric_score is not None
            and punch.occurred_at - other.occurred_at <= timedelta(days=30)
        ]
        if len(earlier) < 10:
            return False
        deviation = max(float(stdev(earlier)), 0.02)
        limit: float = float(mean(earlier)) - keys["biometric_z"] * deviation
        return score < limit

    # SCHEDULE_MISMATCH

    def schedule_mismatch(self) -> Reasons:
        for punch in self.company.punches:
            if punch.is_check_in:
                yield from self._of_check_in(punch)
            elif self._is_missing_check_in(punch):
                yield punch.punch_id, "missing_check_in", "LOW", 0.80
        for punch in self.company.punches:
            if punch.is_check_in and self._is_on_leave(punch):
                yield punch.punch_id, "on_leave", "MEDIUM", 0.70
        for shift in self.company.shifts_in_order:
            if self._is_no_show(shift):
                yield shift.shift_id, *self._missed(shift)
            if self.quiet.is_post_empty(shift):
                yield shift.shift_id, "post_empty", "HIGH", 0.85
            for person_id in dict.fromkeys(shift.entitled):
                if not self.words.is_left_out(shift, person_id) and not self.company.is_covered(
                    shift, person_id
                ):
                    yield from self._late(shift, person_id)
                    yield from self._left_early(shift, person_id)
        for spell in self.words.spells:
            yield from self._missing_check_out(spell)

    def _of_check_in(self, punch: Punch) -> Reasons:
        words = self.words
        if words.is_early(punch):
            yield punch.punch_id, "early", "LOW", 0.95
        here = words.own_here_within_reach(punch)
        elsewhere = [
            shift
            for shift in words.own_elsewhere_within_reach(punch)
            if not words.is_left_out(shift, punch.person_id)
        ]
        if elsewhere and not here and not words.is_excused(punch):
            yield punch.punch_id, "wrong_site", "HIGH", 0.85
        if self._is_unscheduled(punch):
            yield punch.punch_id, "unscheduled", "MEDIUM", 0.70

    def _is_unscheduled(self, punch: Punch) -> bool:
        words = self.words
        return (
            self.company.roster_complete
            and self._begins_period(punch)
            and self._is_site_planned(punch)
            and not words.own_within_reach(punch.person_id, punch.occurred_at)
            and not words.own_elsewhere_within_reach(punch)
            and not words.is_excused(punch)
            and not words.is_early(punch)
            and not self._stands(punch, "WRONG_PERSON")
            and not self._stands(punch, "UNAUTHORIZED_SITE")
            and not self._is_in_a_place_told_before(punch)
        )

    def _is_site_planned(self, punch: Punch) -> bool:
        return any(
            shift.site_id == punch.site_id
            and shift.entitled
            and shift.starts_at - DAY <= punch.occurred_at <= shift.ends_at + DAY
            for shift in self.company.shifts
        )

    def _stands(self, punch: Punch, anomaly_type: str) -> bool:
        return self.keys(punch).is_on(anomaly_type) and any(
            subject == punch.punch_id for subject, *_ in self.types[anomaly_type]()
        )

    def _is_in_a_place_told_before(self, punch: Punch) -> bool:
        if not self.keys(punch).is_on("WRONG_PERSON"):
            return False
        turn = self.company.turns[punch.person_id]
        told = {
            shift_id
            for before in turn[: turn.index(punch)]
            for shift_id in self.in_place_of().get(before.punch_id, ())
        }
        return any(shift.shift_id in told for shift in self._shifts_here(punch))

    def _check_ins_for(self, shift: Shift, person_id: Id) -> list[Punch]:
        return [
            punch
            for punch in self.company.turns.get(person_id, [])
            if punch.is_check_in and self.words.shift_of_check_in(punch) == shift
        ]

    def _late(self, shift: Shift, person_id: Id) -> Reasons:
        for check_in in self._check_ins_for(shift, person_id)[:1]:
            grace = self.keys(check_in).minutes("grace_minutes")
            was_there = any(
                spell.site_id == shift.site_id
                and spell.begins_at <= shift.starts_at <= spell.counted_until
                for spell in self.words.spells_of(person_id)
                if spell.check_in != check_in
            )
            if (
                check_in.occurred_at > shift.starts_at + grace
                and not was_there
                and not self.words.is_already_in(check_in)
            ):
                yield check_in.punch_id, "late", "LOW", 0.95

    def _left_early(self, shift: Shift, person_id: Id) -> Reasons:
        if self.company.as_of <= shift.ends_at:
            return
        turn = self.company.turns.get(person_id, [])
        check_outs = [
            punch
            for punch in turn
            if not punch.is_check_in and self._is_check_out_for(punch, shift)
        ]
        for check_out in check_outs[-1:]:
            grace = self.keys(check_out).minutes("grace_minutes")
            comes_back = any(
                punch.is_check_in
                and punch.occurred_at <= shift.ends_at
                and (punch.site_id == shift.site_id or self._roves_at(punch))
                for punch in turn[turn.index(check_out) + 1 :]
            )
            if check_out.occurred_at < shift.ends_at - grace and not comes_back:
                yield check_out.punch_id, "left_early", "LOW", 0.95

    def _is_check_out_for(self, check_out: Punch, shift: Shift) -> bool:
        if self.words.shift_of_check_out(check_out) == shift:
            return True
        spell = self.words.spell_closed_by(check_out)
        return (
            spell is not None
            and spell.site_id != shift.site_id
            and self._roves_at(spell.check_in)
            and self.words.last_shift_of(spell) is None
            and self._reached_as_if_there(spell) == shift
        )

    def _reached_as_if_there(self, spell: Spell) -> Shift | None:
        """Return the shift that a spell of somebody roving would belong to at the shift's site."""
        own = [
            shift
            for shift in self.company.own_shifts(spell.person_id)
            if self.company.is_within_reach(shift, spell.begins_at)
        ]
        nearest = min(
            own,
            key=lambda shift: (abs(shift.starts_at - spell.begins_at), shift.shift_id),
            default=None,
        )
        further = [
            shift
            for shift in self.company.own_shifts(spell.person_id)
            if spell.begins_at < shift.starts_at < spell.counted_until
        ]
        shifts = [*([nearest] if nearest else []), *further]
        return max(shifts, key=lambda shift: shift.starts_at, default=None)

    def _missing_check_out(self, spell: Spell) -> Reasons:
        shift = self.words.last_shift_of(spell)
        if spell.is_closed or shift is None or self.words.is_left_out(shift, spell.person_id):
            return
        if self.words.is_followed_into(spell, shift):
            return
        if self.words.checks_out(spell.check_in) is False:
            return
        over = self.company.keys(shift.site_id).hours("missing_check_out_after_hours")
        turn = self.company.turns[spell.person_id]
        following = turn[turn.index(spell.check_in) + 1 :]
        follows = any(
            not punch.is_check_in and self.words.shift_of_check_out(punch) == shift
            for punch in following
        )
        is_last = not any(
            later.check_in in following and self._reaches(later, shift)
            for later in self.words.spells_of(spell.person_id)
        )
        if self.company.as_of > shift.ends_at + over and is_last and not follows:
            yield spell.check_ins[-1].punch_id, "missing_check_out", "LOW", 0.80

    def _reaches(self, spell: Spell, shift: Shift) -> bool:
        return spell.shares(shift) or self.words.shift_of_check_in(spell.check_in) == shift

    def _is_missing_check_in(self, check_out: Punch) -> bool:
        if check_out not in self.words.stray_check_outs(check_out.person_id):
            return False
        shift = self.words.shift_of_stray(check_out)
        if shift is None:
            return False
        turn = self.company.turns[check_out.person_id]
        return not any(
            punch.is_check_in
            and punch.site_id == shift.site_id
            and punch.occurred_at >= self.company.reach(shift)[0]
            for punch in turn[: turn.index(check_out)]
        )

    def _missed(self, shift: Shift) -> tuple[str, str, float]:
        """Return the reason, severity and confidence of a shift that nobody came for."""
        if any(
            shift.shift_id in shift_ids
            and self.company.keys(self.site_of(punch_id)).is_on("WRONG_PERSON")
            for punch_id, shift_ids in self.in_place_of().items()
        ):
            return "stood_in_for", "LOW", 0.60
        if self.quiet.began_in_a_silence(shift):
            return "no_show_unheard", "LOW", 0.40
        return "no_show", "HIGH", 0.95

    def _is_on_leave(self, check_in: Punch) -> bool:
        person_id = check_in.person_id
        if not self.company.is_on_leave(person_id, check_in.site_id, check_in.occurred_at):
            return False
        shift = self.words.shift_of_check_in(check_in)
        comes_for_work = (
            shift is not None
            and shift.starts_at > check_in.occurred_at
            and not self.company.is_covered(shift, person_id)
        )
        return self._begins_period(check_in) and not comes_for_work

    def _is_no_show(self, shift: Shift) -> bool:
        after = self.keys(shift).minutes("no_show_after_minutes")
        return (
            self.company.roster_complete
            and bool(shift.entitled)
            and not self.company.is_covered(shift, shift.person_id)
            and self.company.as_of > shift.starts_at + after
            and not self.words.is_attended(shift)
            and any(
                punch.site_id == shift.site_id and punch.occurred_at < shift.starts_at
                for punch in self.company.punches
            )
        )


def _place(punch: Punch) -> Place:
    place = fix_of(punch)
    if place is None:
        raise ValueError(f"{punch.punch_id} has no fix")
    return place


def _is_shown_live(punch: Punch, keys: Keys) -> bool:
    return (
        punch.biometric_method in BODIES
        and punch.biometric_score is not None
        and punch.biometric_liveness is not None
        and punch.biometric_score >= keys["biometric_min_score"]
        and punch.biometric_liveness >= keys["biometric_min_liveness"]
        and punch.biometric_person_id in (None, punch.person_id)
    )
