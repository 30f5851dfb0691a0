"""Renders docs/detection.md from the detectors' docstrings: python -m dev.detection_manual."""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

from models.policy import KEYS
from models.policy.part import Part
from worker.registry import DETECTORS

MANUAL = Path(__file__).parent.parent / "docs" / "detection.md"
ANSWERS = Path(__file__).parent.parent / "docs" / "detection-answers.md"

INTRODUCTION = """\
What each type of anomaly looks at, when it holds, how grave and how certain it is, and what it
cannot tell. Rendered from the detectors by `python -m dev.detection_manual`; edit those.
`rollcall explain PUNCH_ID --tenant T` says the same of one punch.

The anomalies that stand are a function of the stored punches, the roster, the policy and the
moment: never of the order in which anything arrived. What no longer holds is withdrawn. At the
limit is within it: “exceeds”, “outside” and “faster” are strict.
"""
OVERRIDES = """\
A tenant and, over it, a site overrides each key by `roster.sync`; an unknown key or a value out of
range is refused.
"""


def manual() -> str:
    """Render the whole page."""
    return "\n".join(
        [
            *_head(),
            *(
                line
                for detector in DETECTORS
                for line in _section(detector.__doc__ or "", detector.TYPE)
            ),
            *_policy(),
            *_answers(),
        ]
    )


def _head() -> list[str]:
    return ["# Detection", "", *INTRODUCTION.splitlines(), ""]


def _section(docstring: str, anomaly_type: str) -> list[str]:
    title, _, text = cleandoc(docstring).partition("\n")
    return [f"## {anomaly_type}", "", f"**{title}**", text, ""]


def _policy() -> list[str]:
    rows = [f"| `{name}` | {_text(key.default)} |" for name, key in KEYS.items()]
    return [
        "## Policy",
        "",
        *OVERRIDES.splitlines(),
        "",
        "| key | default |",
        "| --- | --- |",
        *rows,
        "",
    ]


def _text(value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:g}"
    return value if isinstance(value, str) else f"`{json.dumps(value, default=_fields)}`"


def _fields(part: Part) -> dict[str, Any]:
    return part.model_dump()


def _answers() -> list[str]:
    return [*ANSWERS.read_text(encoding="utf-8").splitlines(), ""]


if __name__ == "__main__":
    MANUAL.write_text(manual(), encoding="utf-8")
