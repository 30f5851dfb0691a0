"""The keys of a policy, by which it is stored and submitted, and the part that each stands in."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from models.policy.alerts import Alerts
from models.policy.attendance import Attendance
from models.policy.biometrics import Biometrics
from models.policy.measures import Days
from models.policy.part import Part, TypePolicy
from models.policy.places import Places
from models.vocabulary import TYPES


class Shared(Places, Attendance, Biometrics, Alerts):
    """The keys that several types go by, those of alerts, and the tenant's own."""

    # How far back a change of roster or policy has punches judged again, and how far a sweep looks.
    rejudge_days: Days = 35


class Key(NamedTuple):
    """The part that a key stands in, and its name there."""

    part: type[Part]
    field: str

    @property
    def default(self) -> Any:
        return self.part.model_fields[self.field].default


def _policy_of(anomaly_type: str) -> type[TypePolicy]:
    """Import the policy of a type; WRONG_PERSON's is models.policy.wrong_person.WrongPerson."""
    module = import_module(f"models.policy.{anomaly_type.lower()}")
    name = "".join(word.capitalize() for word in anomaly_type.split("_"))
    policy: type[TypePolicy] = getattr(module, name)
    return policy


def _switches(anomaly_type: str, part: type[TypePolicy]) -> Iterator[tuple[str, Key]]:
    yield anomaly_type.lower(), Key(part, "mode")
    yield f"{anomaly_type.lower()}_weight", Key(part, "weight")


def _keys() -> Iterator[tuple[str, Key]]:
    for anomaly_type, policy in TYPE_POLICIES.items():
        yield from _switches(anomaly_type, policy)
    parts: list[type[Part]] = [Shared, *TYPE_POLICIES.values()]
    for part in parts:
        own = [name for name in part.model_fields if name not in TypePolicy.model_fields]
        yield from ((name, Key(part, name)) for name in own)


def _each_once(keys: Iterable[tuple[str, Key]]) -> dict[str, Key]:
    """Return the keys by name. Raises TypeError where two parts have the same one."""
    by_name: dict[str, Key] = {}
    for name, key in keys:
        if name in by_name:
            homes = f"{by_name[name].part.__name__} and {key.part.__name__}"
            raise TypeError(f"the policy key {name} has two homes: {homes}")
        by_name[name] = key
    return by_name


# The policy classes, by anomaly type.
TYPE_POLICIES = {anomaly_type: _policy_of(anomaly_type) for anomaly_type in TYPES}
# Where each key stands, by the key as it is stored and submitted.
KEYS = _each_once(_keys())
NAMES = {key: name for name, key in KEYS.items()}
