"""A tenth type is four edits: its detector, its policy, its line in the vocabulary, its test."""

from pathlib import Path

from tests.adding.copy import Copy

DETECTOR = '''"""Night Punch: somebody came while the site is closed.

Looks at: the hour of the punch in UTC.

- `at_night` (HIGH 0.80): a check-in before `night_until_hour`.

Policy: `at_night_severity`, `night_until_hour` (5).

Cannot tell: what the site's own night is.
"""

from models.policy.night_punch import NightPunch
from worker.rules.evidence import done, found
from worker.rules.finding import Findings
from worker.rules.window import Window

TYPE = "NIGHT_PUNCH"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        own = window.policy(punch.site_id, punch.occurred_at).of(NightPunch)
        if punch.is_check_in and punch.occurred_at.hour < own.night_until_hour:
            explanation = f"{done(punch)} at night."
            yield found(window, punch, TYPE, "at_night", own.at_night_severity, 0.80, explanation)
'''

POLICY = '''"""The policy of Night Punch."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class NightPunch(TypePolicy):
    weight: Share = 0.40

    night_until_hour: Annotated[int, Field(ge=0, le=23)] = 5

    at_night_severity: Severity = "HIGH"
'''

TEST = '''"""Night Punch."""

from tests.worker.windows import ANNA, OFFICE, build, check_in, findings
from worker.detectors import night_punch


def test_before_five_is_night_unless_the_policy_says_otherwise() -> None:
    early = [check_in(ANNA, OFFICE, "03:00")]
    assert [found.reason for found in findings(night_punch, build(early))] == ["at_night"]
    assert not findings(night_punch, build(early, policy={"night_until_hour": 2}))
'''

LINE = '    "NIGHT_PUNCH": "Night Punch",'
# The lines of the users' page, which the suite asks for too. The page of the detectors is rendered.
MANUAL = (
    ("| `schedule_mismatch` | on |", "| `night_punch` | on | `night_punch_weight` | 0.40 |"),
    (
        "| `kiosk_people` |",
        "| `night_until_hour` | 5 | 0 to 23 |  | the hour before which it is night |",
    ),
    ("| `missing_check_out_severity` |", "| `at_night_severity` | HIGH | came at night |"),
)
PROBE = Path(__file__).with_name("probe_type.py")


def test_a_tenth_type_is_four_edits(tmp_path: Path, servers: dict[str, str]) -> None:
    copy = Copy(tmp_path / "checkout")
    copy.write("worker/detectors/night_punch.py", DETECTOR)
    copy.write("models/policy/night_punch.py", POLICY)
    copy.add_line("models/vocabulary.py", LINE, after='    "SCHEDULE_MISMATCH":')
    copy.write("tests/worker/detectors/test_night_punch.py", TEST)
    for after, line in MANUAL:
        copy.add_line("docs/policy.md", line, after=after)
    copy.run("dev.detection_manual")
    copy.write("tests/realtime/http/test_night_punch.py", PROBE.read_text())
    copy.test(
        "tests/worker/detectors/test_night_punch.py",
        "tests/models/test_vocabulary.py",
        "tests/models/test_policy.py",
        "tests/test_policy_manual.py",
        "tests/dev/test_detection_manual.py",
        "tests/worker/judging/test_detect.py",
        "tests/realtime/http/test_night_punch.py",
        environment=servers,
    )
