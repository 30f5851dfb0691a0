"""The words of the definitions, plainly: spells, taps, attendance, what belongs to which shift."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from models.ids import Id
from tests.properties.reference import Company, Place, fix_of, is_fine
from worker.rules.window import Punch, Shift

NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Spell:
    person_id: Id
    site_id: Id
    check_ins: tuple[Punch, ...]  # the first, and those that only repeat it
    check_outs: tuple[Punch, ...]  # none where its end is unknown; it ends with the last
    next: Punch | None  # the person's next punch that counts, where its end is unknown
    counted_until: datetime  # where it ends, or up to when one with an unknown end counts

    @property
    def check_in(self) -> Punch:
        return self.check_ins[0]

    @property
    def begins_at(self) -> datetime:
        return self.check_in.occurred_at

    @property
    def is_closed(self) -> bool:
        return bool(self.check_outs)

    @property
    def is_open(self) -> bool:
        return not self.check_outs and self.next is None

    def shares(self, shift: Shift) -> bool:
        """Whether it shares more than an instant of a shift at its site."""
        return shift.site_id == self.site_id and (
            min(shift.ends_at, self.counted_until) > max(shift.starts_at, self.begins_at)
        )


class Words:
    def __init__(self, company: Company) -> None:
        self.company = company

    # Taps

    def tap_of(self, punch: Punch) -> list[Punch]:
        """Return the punches of the one tap that this is of."""
        turn = self.company.turns[punch.person_id]
        first = last = turn.index(punch)
        while first and self._repeats(turn[first - 1], turn[first]):
            first -= 1
        while last + 1 < len(turn) and self._repeats(turn[last], turn[last + 1]):
            last += 1
        return turn[first : last + 1]

    def _repeats(self, punch: Punch, later: Punch) -> bool:
        repeat = self.company.keys(later.site_id).minutes("repeat_minutes")
        return (
            punch.is_check_in is later.is_check_in
            and punch.site_id == later.site_id
            and later.occurred_at - punch.occurred_at <= repeat
        )

    def punch_with_fix(self, punch: Punch) -> Punch | None:
        """Return the punch whose fix is that of the tap."""
        keys = self.company.keys(punch.site_id)
        fine = [other for other in self.tap_of(punch) if is_fine(other, keys)]
        return fine[-1] if fine else None

    def place_of(self, punch: Punch) -> Place | None:
        """Return where the tap was: its fix, else its site's place."""
        if with_fix := self.punch_with_fix(punch):
            return fix_of(with_fix)
        site = self.company.site(punch.site_id)
        if site is None or site.latitude is None or site.longitude is None:
            return None
        return Place(site.latitude, site.longitude, 0)

    # Spells

    @cached_property
    def repeated(self) -> dict[str, Punch]:
        """The first check-in by the id of each that only repeats it."""
        firsts: dict[str, Punch] = {}
        for turn in self.company.turns.values():
            for before, punch in pairwise(turn):
                if punch.is_check_in and self._repeats(before, punch):
                    firsts[punch.punch_id] = firsts.get(before.punch_id, before)
        return firsts

    @cached_property
    def bounces(self) -> set[str]:
        bounces: set[str] = set()
        for turn in self.company.turns.values():
            check_in: Punch | None = None
            once = [punch for punch in turn if punch.punch_id not in self.repeated]
            for punch, after in zip(once, [*once[1:], None], strict=True):
                if punch.is_check_in:
                    check_in = punch
                elif (
                    check_in
                    and after
                    and not after.is_check_in
                    and after.site_id == punch.site_id
                    and after.occurred_at - check_in.occurred_at
                    <= self.company.keys(check_in.site_id).hours("max_spell_hours")
                    and punch.occurred_at - check_in.occurred_at
                    <= self.company.keys(punch.site_id).minutes("repeat_minutes")
                ):
                    bounces.add(punch.punch_id)
                else:
                    check_in = None
        return bounces

    def counting(self, person_id: Id) -> list[Punch]:
        """Return the punches that count to rules of spells and shifts."""
        return [
            punch
            for punch in self.company.turns.get(person_id, [])
            if punch.punch_id not in self.repeated and punch.punch_id not in self.bounces
        ]

    @cached_property
    def spells(self) -> list[Spell]:
        return [spell for person_id in self.company.turns for spell in self._spells_of(person_id)]

    def _spells_of(self, person_id: Id) -> list[Spell]:
        punches = self.counting(person_id)
        spells = []
        for index, check_in in enumerate(punches):
            if not check_in.is_check_in:
                continue
            keys = self.company.keys(check_in.site_id)
            check_outs = self._check_outs_after(punches[index + 1 :])
            longest = keys.hours("max_spell_hours")
            if check_outs and check_outs[-1].occurred_at - check_in.occurred_at > longest:
                check_outs = []
            after = punches[index + 1] if index + 1 < len(punches) else None
            until = check_in.occurred_at + keys.hours("max_work_hours")
            if check_outs:
                until = check_outs[-1].occurred_at
            elif after:
                until = min(until, after.occurred_at)
            again = [
                punch
                for punch in self.company.turns[person_id]
                if self.repeated.get(punch.punch_id) == check_in
            ]
            spells.append(
                Spell(
                    person_id,
                    check_in.site_id,
                    (check_in, *again),
                    tuple(check_outs),
                    None if check_outs else after,
                    until,
                )
            )
        return spells

    def _check_outs_after(self, following: Sequence[Punch]) -> list[Punch]:
        """Return the check-outs that end a spell, each later than the one before."""
        ending: list[Punch] = []
        for punch in following:
            if punch.is_check_in:
                break
            handover = self.company.keys(punch.site_id).minutes("handover_minutes")
            if not ending:
                ending.append(punch)
            elif punch.site_id == ending[0].site_id:
                if punch.occurred_at - ending[-1].occurred_at > handover:
                    break
                ending.append(punch)
        return ending

    def spells_of(self, person_id: Id) -> list[Spell]:
        return [spell for spell in self.spells if spell.person_id == person_id]

    def spell_closed_by(self, punch: Punch) -> Spell | None:
        """Return the spell that a check-out closes, or has closed before."""
        return next((spell for spell in self.spells if punch in spell.check_outs), None)

    def spell_begun_by(self, punch: Punch) -> Spell | None:
        return next((spell for spell in self.spells if spell.check_in == punch), None)

    def stray_check_outs(self, person_id: Id) -> list[Punch]:
        return [
            punch
            for punch in self.counting(person_id)
            if not punch.is_check_in and self.spell_closed_by(punch) is None
        ]

    def goes_on_with_period(self, punch: Punch) -> bool:
        """Whether a punch is of the work period of the last spell here that began before it."""
        turn = self.company.turns[punch.person_id]
        before = turn[: turn.index(punch)]
        spells = [
            spell
            for spell in self.spells_of(punch.person_id)
            if spell.site_id == punch.site_id and spell.check_in in before
        ]
        if not spells:
            return False
        longest = self.company.keys(punch.site_id).minutes("max_break_minutes")
        # From an end that nobody knows no gap can be measured.
        return (
            self.is_already_in(punch)
            or punch.occurred_at <= spells[-1].counted_until
            or (spells[-1].is_closed and punch.occurred_at - spells[-1].counted_until <= longest)
        )

    def checks_out(self, check_in: Punch) -> bool | None:
        """Whether a person checks out where this check-in begins a spell; None where too few spells
        tell.
        """
        device = self.company.device(check_in.device_id)
        if device and not device.shared:
            return True
        before = [
            spell
            for spell in self.spells
            if spell.site_id == check_in.site_id
            and check_in.occurred_at - timedelta(days=14) <= spell.begins_at
            and spell.begins_at < check_in.occurred_at
        ]
        own = [spell for spell in before if spell.person_id == check_in.person_id]
        counted = own if len(own) >= 3 else before if len(before) >= 10 else []
        closed = [spell for spell in counted if self._is_closed_there(spell)]
        return 2 * len(closed) >= len(counted) if counted else None

    def _is_closed_there(self, spell: Spell) -> bool:
        longest = self.company.keys(spell.site_id).hours("max_work_hours")
        return (
            spell.is_closed
            and spell.check_outs[-1].site_id == spell.site_id
            and spell.counted_until - spell.begins_at <= longest
        )

    # Excuses

    def is_already_in(self, punch: Punch) -> bool:
        last = self.company.previous(punch)
        return (
            last is not None
            and last.is_check_in
            and last.site_id == punch.site_id
            and punch.occurred_at - last.occurred_at
            <= self.company.keys(punch.site_id).hours("max_work_hours")
        )

    def own_within_reach(self, person_id: Id, moment: datetime) -> list[Shift]:
        return [
            shift
            for shift in self.company.own_shifts(person_id)
            if self.company.is_within_reach(shift, moment)
        ]

    def own_here_within_reach(self, punch: Punch) -> list[Shift]:
        own = self.own_within_reach(punch.person_id, punch.occurred_at)
        return [shift for shift in own if shift.site_id == punch.site_id]

    def own_elsewhere_within_reach(self, punch: Punch) -> list[Shift]:
        """Return own shifts at other sites within reach as the punch's site measures it."""
        before = self.company.keys(punch.site_id).minutes("early_window_minutes")
        return [
            shift
            for shift in self.company.own_shifts(punch.person_id)
            if shift.site_id != punch.site_id
            and shift.starts_at - before <= punch.occurred_at <= shift.ends_at
        ]

    def is_held_over(self, punch: Punch) -> bool:
        holdover = self.company.keys(punch.site_id).minutes("holdover_minutes")
        return any(
            shift.site_id == punch.site_id
            and shift.ends_at <= punch.occurred_at <= shift.ends_at + holdover
            for shift in self.company.own_shifts(punch.person_id)
        )

    def is_visiting(self, punch: Punch) -> bool:
        return self.company.roves(
            punch.person_id, punch.site_id, punch.occurred_at
        ) and not self.own_here_within_reach(punch)

    def is_excused(self, punch: Punch) -> bool:
        """Whether it raises none of in_place_of, not_assigned, unscheduled and wrong_site."""
        return self.is_already_in(punch) or self.is_held_over(punch) or self.is_visiting(punch)

    def is_early(self, punch: Punch) -> bool:
        limit = self.company.keys(punch.site_id).hours("early_limit_hours")
        return (
            punch.is_check_in
            and not self.own_within_reach(punch.person_id, punch.occurred_at)
            and not self.own_elsewhere_within_reach(punch)
            and any(
                shift.site_id == punch.site_id
                and NO_TIME < shift.starts_at - punch.occurred_at <= limit
                for shift in self.company.own_shifts(punch.person_id)
            )
        )

    # What belongs to which shift

    def shift_of_check_in(self, check_in: Punch) -> Shift | None:
        """Return the nearest; of several that start together the first that the person attends."""
        nearest = self.nearest(check_in)
        attended = [
            shift.shift_id
            for shift in self.company.own_shifts(check_in.person_id)
            if nearest
            and (shift.site_id, shift.starts_at) == (check_in.site_id, nearest[0].starts_at)
            and check_in.person_id in self.attending[shift.shift_id]
        ]
        return min(
            nearest,
            key=lambda shift: (shift.shift_id not in attended[:1], shift.shift_id),
            default=None,
        )

    def nearest(self, check_in: Punch) -> list[Shift]:
        """Return the own shifts here within reach that start nearest, all at one moment."""
        own = self.own_here_within_reach(check_in)
        nearest = min(
            own,
            key=lambda shift: (abs(shift.starts_at - check_in.occurred_at), shift.shift_id),
            default=None,
        )
        return [shift for shift in own if nearest and shift.starts_at == nearest.starts_at]

    def is_left_out(self, shift: Shift, person_id: Id) -> bool:
        """Whether a person only substitutes in a shift that somebody else attends."""
        is_rostered = shift.person_id == person_id and not shift.person_left
        attending = self.attending.get(shift.shift_id, set())
        return not is_rostered and bool(attending - {person_id})

    def ran_on_into(self, spell: Spell) -> list[Shift]:
        """Return the further own shifts that start within a spell, first ones first."""
        own = self.shift_of_check_in(spell.check_in)
        further = [
            shift
            for shift in self.company.own_shifts(spell.person_id)
            if shift.site_id == spell.site_id
            and shift != own
            and spell.begins_at < shift.starts_at
            and not self.is_left_out(shift, spell.person_id)
        ]
        return [
            shift
            for shift in further
            if shift.starts_at < spell.counted_until or self.is_followed_into(spell, shift)
        ]

    def is_followed_into(self, spell: Spell, shift: Shift) -> bool:
        """Whether a check-in at the start of a shift shows that a spell ran on into it."""
        handover = self.company.keys(spell.site_id).minutes("handover_minutes")
        return (
            spell.next is not None
            and spell.next.is_check_in
            and spell.next.site_id == spell.site_id
            and abs(shift.starts_at - spell.next.occurred_at) <= handover
            and any(
                other.site_id == shift.site_id
                and other.starts_at < shift.starts_at <= other.ends_at + handover
                for other in self._shifts_reached(spell)
            )
        )

    def _shifts_reached(self, spell: Spell) -> list[Shift]:
        own = self.company.own_shifts(spell.person_id)
        belongs = self.shift_of_check_in(spell.check_in)
        return [shift for shift in own if spell.shares(shift) or shift == belongs]

    def last_shift_of(self, spell: Spell) -> Shift | None:
        """Return the shift that a spell's end belongs to."""
        own = self.shift_of_check_in(spell.check_in)
        shifts = [*([own] if own else []), *self.ran_on_into(spell)]
        return max(
            shifts,
            key=lambda shift: (
                shift.starts_at,
                spell.person_id in self.attending.get(shift.shift_id, set()),
            ),
            default=None,
        )

    def shift_of_check_out(self, check_out: Punch) -> Shift | None:
        if check_out.punch_id in self.bounces:
            return None
        if spell := self.spell_closed_by(check_out):
            return self.last_shift_of(spell)
        return self.shift_of_stray(check_out)

    def shift_of_stray(self, check_out: Punch) -> Shift | None:
        """Return the own shift in which it lies, else the one that was over not long before."""
        moment = check_out.occurred_at
        there = [
            shift
            for shift in self.company.own_shifts(check_out.person_id)
            if shift.site_id == check_out.site_id
        ]
        lying_in = [shift for shift in there if shift.starts_at <= moment <= shift.ends_at]
        holdover = self.company.keys(check_out.site_id).minutes("holdover_minutes")
        after = [shift for shift in there if NO_TIME < moment - shift.ends_at <= holdover]
        return max(lying_in or after, key=lambda shift: shift.starts_at, default=None)

    # Attendance

    @cached_property
    def attending(self) -> dict[str, set[Id]]:
        """The people who attend each shift."""
        return self.attending_by(None)

    def attending_by(self, moment: datetime | None) -> dict[str, set[Id]]:
        """Return the people who attend each shift and were seen there by a moment."""
        attending: dict[str, set[Id]] = {}
        for key in {(shift.site_id, shift.starts_at) for shift in self.company.shifts}:
            together = [
                shift
                for shift in self.company.shifts_in_order
                if (shift.site_id, shift.starts_at) == key
            ]
            attending |= self._attending_together(together, moment)
        return attending

    def _attending_together(
        self, shifts: list[Shift], moment: datetime | None
    ) -> dict[str, set[Id]]:
        attending: dict[str, set[Id]] = {shift.shift_id: set() for shift in shifts}
        for shift in shifts:
            if not shift.person_left and any(
                spell.shares(shift) and (moment is None or spell.begins_at <= moment)
                for spell in self.spells_of(shift.person_id)
            ):
                attending[shift.shift_id].add(shift.person_id)
        settled = set().union(*attending.values())
        others = [shift for shift in shifts if not attending[shift.shift_id]]
        came: dict[Id, datetime] = {}
        choices: dict[Id, list[str]] = {}
        for shift in shifts:
            for person_id in sorted(set(shift.entitled) - settled):
                seen = self.seen_for(person_id, shift)
                if seen and (moment is None or seen[0] <= moment):
                    came[person_id] = min(seen[0], came.get(person_id, seen[0]))
                    choices.setdefault(person_id, []).append(shift.shift_id)
        coming = sorted(came, key=lambda person_id: (came[person_id], person_id))
        open_ids = {shift.shift_id for shift in others}
        free = {p: sorted(open_ids.intersection(choices[p])) for p in coming}
        chosen: list[str] = []
        for shift_id in sorted(open_ids):
            if _can_all_be_attended([*chosen, shift_id], coming, free):
                chosen.append(shift_id)
        left = list(chosen)
        for number, person_id in enumerate(coming):
            later = coming[number + 1 :]
            for shift_id in free[person_id]:
                rest = [other for other in left if other != shift_id]
                if shift_id in left and _can_all_be_attended(rest, later, free):
                    attending[shift_id].add(person_id)
                    left = rest
                    break
            else:
                attending[min(choices[person_id])].add(person_id)
        return attending

    def seen_for(self, person_id: Id, shift: Shift) -> list[datetime]:
        """Return when a person was seen at the site of a shift so that they may attend it."""
        check_ins = [
            punch.occurred_at
            for punch in self.company.turns.get(person_id, [])
            if punch.is_check_in and shift in self.nearest(punch)
        ]
        spells = [spell.begins_at for spell in self.spells_of(person_id) if spell.shares(shift)]
        strays = [
            punch.occurred_at
            for punch in self.stray_check_outs(person_id)
            if self.shift_of_stray(punch) == shift and punch.occurred_at > shift.starts_at
        ]
        return sorted([*check_ins, *spells, *strays])

    def is_attended(self, shift: Shift) -> bool:
        return bool(self.attending[shift.shift_id])


def _can_all_be_attended(
    shift_ids: list[str], people: list[Id], choices: dict[Id, list[str]]
) -> bool:
    """Whether each of these shifts can have somebody of its own."""
    if not shift_ids:
        return True
    return any(
        shift_ids[0] in choices[person_id]
        and _can_all_be_attended(shift_ids[1:], [p for p in people if p != person_id], choices)
        for person_id in people
    )
