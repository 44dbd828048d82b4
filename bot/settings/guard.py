"""The table that says how the builds of a service are guarded."""

import re

from pydantic import Field, field_validator

from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.incident import Severity
from bot.engine.slots import Slots
from bot.settings.tables import Table

_BRANCH = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$"
_ENV = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


class GuardTable(Table):
    """Which environment it is, which branches releases come from, what opens an incident, when it is looked at."""

    env: str = Field("", pattern=f"^$|{_ENV}")
    branches: tuple[str, ...] = ()
    opens: tuple[Reason, ...] = ()
    severity: Severity = Severity.SEV3
    stamped: bool = False
    cron: str = "*/10 * * * *"

    @field_validator("branches")
    @classmethod
    def _are_branches(cls, branches: tuple[str, ...]) -> tuple[str, ...]:
        for branch in branches:
            if not re.fullmatch(_BRANCH, branch) or ".." in branch:
                raise ValueError(f"{branch!r} is no name of a branch, such as main")
        return branches

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str) -> str:
        return Slots(cron).cron

    def plan(self) -> GuardPlan:
        """Give it as the domain knows it."""
        return GuardPlan(self.env, self.branches, frozenset(self.opens), self.severity, self.stamped, self.cron)
