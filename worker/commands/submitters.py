"""Submitters, as commands print them."""


def submitter(submitted_by: dict[str, str] | None) -> str:
    """Return by which door something came, and whom it named."""
    if not submitted_by:
        return "somebody, before it was noted"
    return " ".join(submitted_by[part] for part in ("door", "name") if part in submitted_by)
