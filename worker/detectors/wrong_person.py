"""Wrong Person at Site: somebody else was there than the one who should have been.

Looks at: the person a biometric reader recognised; the shifts at the site that are within reach of
a check-in, and who of those entitled to them was there.

- `face_is_another_person` (CRITICAL, confidence the score, 0.95 without one):
  `biometric.matched_person_id` is somebody else.
- `in_place_of` (HIGH 0.90): at a check-in, shifts at this site are within reach, the person is
  entitled to none of them, and at least one of them is not attended, so far.

`in_place_of` names the expected people. It is raised once per person and shift, and falls away when
somebody entitled comes by the shift's start plus the grace. A further check-in while already
checked in, a punch just after an own shift here, one of somebody who roves here, and a check-in
shortly before an own shift here raise nothing.

Policy: `face_is_another_person_severity`, `in_place_of_severity`, `early_window_minutes` (60),
`grace_minutes` (15), `max_work_hours` (16), `holdover_minutes` (120), `early_limit_hours` (4).

Cannot tell: while the roster is declared incomplete, or where no uncancelled shift at the site is
within 24 hours, there is no `in_place_of`. Who is at the site without punching is seen by nobody.
"""

from models.policy.wrong_person import WrongPerson
from worker.rules.evidence import clock, done, expected_people, found, names_of, nothing
from worker.rules.finding import Finding, Findings
from worker.rules.roster import in_place_of
from worker.rules.window import Punch, Shift, Window

TYPE = "WRONG_PERSON"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        yield from _face(window, punch)
        yield from _place(window, punch)


def _face(window: Window, punch: Punch) -> Findings:
    matched = punch.biometric_person_id
    if matched is not None and matched != punch.person_id:
        score = punch.biometric_score
        reader = f"the {punch.biometric_method or 'biometric'} reader"
        by_score = "" if score is None else f" with a score of {score:.2f}"
        yield found(
            window,
            punch,
            TYPE,
            "face_is_another_person",
            window.policy_of(punch).of(WrongPerson).face_is_another_person_severity,
            0.95 if score is None else score,
            f"{done(punch)} as person {punch.person_id}, but {reader} recognised "
            f"{window.called(matched, punch.occurred_at)}{by_score}.",
            observed=str(matched),
            limit=str(punch.person_id),
            matched_person_id=matched,
            score=score,
        )
    elif window.explaining:
        because = (
            "no biometric match was reported"
            if matched is None
            else "the match is the person who punched"
        )
        yield nothing(punch, TYPE, "face_is_another_person", because)


def _place(window: Window, punch: Punch) -> Findings:
    answer = in_place_of(window, punch)
    if answer.holds:
        yield _in_place_of(window, punch, answer.shifts)
    elif window.explaining:
        yield nothing(punch, TYPE, "in_place_of", answer.because)


def _in_place_of(window: Window, punch: Punch, shifts: tuple[Shift, ...]) -> Finding:
    expected = list(dict.fromkeys(person_id for shift in shifts for person_id in shift.entitled))
    first, names = shifts[0], names_of(window, expected, punch.occurred_at)
    return found(
        window,
        punch,
        TYPE,
        "in_place_of",
        window.policy_of(punch).of(WrongPerson).in_place_of_severity,
        0.90,
        f"{done(punch)} without a shift here while the shift from "
        f"{clock(window, first.site_id, first.starts_at)} to "
        f"{clock(window, first.site_id, first.ends_at)} of {names} "
        "was not attended.",
        observed=0,
        limit=len(shifts),
        unit="shifts attended of those expected",
        shifts=shifts,
        **expected_people(window, expected, punch.occurred_at),
    )
