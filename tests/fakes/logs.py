"""A store of log lines in memory."""

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.run import Missing
from bot.domain.trace.names import Names
from bot.ports import Logged, Sought


class FakeLogs:
    """Gives the lines of a trace that it has; `missing` is said of the rest."""

    def __init__(self, *documents: Mapping[str, Any], missing: str = "", mend: str = "") -> None:
        self.documents = documents
        self.missing = missing
        self.mend = mend
        self.place = "logs-* of http://logs.test"
        self.names = Names()
        self.asked: list[Sought] = []

    async def lines(self, of: Sought) -> Logged | Missing:
        self.asked.append(of)
        told = [json.dumps(each) for each in self.documents if of.trace in json.dumps(each)]
        if not told and self.missing:
            return Missing(self.missing)
        return Logged("".join(f"{each}\n" for each in told).encode(), len(told), self.missing)

    async def check(self) -> str | Missing:
        return Missing(self.mend) if self.mend else f"{self.place} can be searched"
