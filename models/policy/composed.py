"""The policy in force, composed for a tenant and over it a site."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import SkipValidation

from models.policy.keys import KEYS, TYPE_POLICIES, Key, Shared
from models.policy.part import Part, TypePolicy

T = TypeVar("T", bound=TypePolicy)


class Policy(Shared):
    """The policy of a site. Shared keys are attributes; a type's are `policy.of(WrongPerson)`'s."""

    types: Annotated[dict[type[TypePolicy], Any], SkipValidation]

    def of(self, part: type[T]) -> T:
        policy: T = self.types[part]
        return policy

    def of_type(self, anomaly_type: str) -> TypePolicy:
        return self.of(TYPE_POLICIES[anomaly_type])


# Made once, as most policies leave most types as they are.
_DEFAULTS = {part: part.model_validate({}) for part in TYPE_POLICIES.values()}


def merged(tenant: Mapping[str, Any], site: Mapping[str, Any] | None = None) -> Policy:
    """Return the policy in force: the site's keys over the tenant's over the defaults.

    Null clears a key. Raises pydantic.ValidationError for what `validate` would complain of.
    """
    keys = {**tenant, **{name: value for name, value in (site or {}).items() if value is not None}}
    parts = by_part({name: value for name, value in keys.items() if value is not None})
    shared = parts.pop(Shared, {})
    types = _DEFAULTS | {part: part.model_validate(fields) for part, fields in parts.items()}
    return Policy.model_validate({**shared, "types": types})


def by_part(keys: Mapping[str, Any]) -> dict[type[Part], dict[str, Any]]:
    """Sort values by the part of their key, each under its name there; unknown keys are shared."""
    parts: dict[type[Part], dict[str, Any]] = {}
    for name, value in keys.items():
        part, field = KEYS.get(name, Key(Shared, name))
        parts.setdefault(part, {})[field] = value
    return parts


DEFAULT_POLICY = merged({})
