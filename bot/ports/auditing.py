"""The port of audits: what is there to be judged, of a service and of its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.audits import Audited, Subject
from bot.domain.run import Missing
from bot.domain.service import Service, Target


@dataclass(frozen=True)
class Wanted:
    """Of what: a service and its targets as they are now, or a repository (its path or address; "" for none).

    `revision` is the commit that runs as far as the deploy record knows, "" otherwise. `hops` are the services
    behind it, by name, with their targets.
    """

    service: Service | None
    targets: tuple[Target, ...] = ()
    repository: str = ""
    revision: str = ""
    hops: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)


class Audits(Protocol):
    """Looks at what is audited; never raises for what it finds."""

    async def look(self, what: Audited, of: Wanted) -> Subject | Missing:
        """Give what there is to be judged, or why nothing could be looked at."""
