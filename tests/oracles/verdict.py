"""Every oracle over everything that was sent."""

from collections.abc import Iterable

from tests.oracles import limits, models, schemas
from tests.oracles.sent import Sent

_SHOWN = 10


def verdict(things: Iterable[Sent]) -> list[str]:
    """Say what Slack, as far as the oracles know it, would not take."""
    all_of_them = list(things)
    by_schema = schemas.flaws(all_of_them)
    found = [
        f"{one.how}: {flaw}"
        for one, typed in zip(all_of_them, by_schema, strict=True)
        for flaw in [*limits.flaws(one), *models.flaws(one), *typed]
    ]
    return found[:_SHOWN] + [f"... and {len(found) - _SHOWN} more"] * (len(found) > _SHOWN)
