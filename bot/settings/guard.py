"""The table that says how the builds of a service are guarded."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.incident import Severity
from bot.engine.slots import Slots
from bot.settings.tables import Table

_BRANCH = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$"
_ENV = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


def _can_be_shown(token: str) -> str:
    if not token.isprintable() or (":" not in token and not (token.isascii() and " " not in token)):
        raise ValueError("is a bearer token without spaces, or user:password, on one line")
    return token


PushgatewayToken = Annotated[str, AfterValidator(_can_be_shown)]


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
