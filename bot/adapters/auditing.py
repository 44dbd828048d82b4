"""The Audits port: who looks, by what is audited."""

from collections.abc import Awaitable, Callable, Mapping

from bot.domain.audits import Audited, Subject
from bot.domain.run import Missing
from bot.ports import Wanted

Look = Callable[[Wanted], Awaitable[Subject | Missing]]


class Auditors:
    """One for each audit."""

    def __init__(self, looks: Mapping[Audited, Look]) -> None:
        self._looks = looks

    async def look(self, what: Audited, of: Wanted) -> Subject | Missing:
        """Give what there is to be judged, or why nothing could be looked at."""
        return await self._looks[what](of)
