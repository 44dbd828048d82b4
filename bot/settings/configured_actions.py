"""The table of an action: what it runs or tells, and which values it takes."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from bot.domain.configured_actions import PLAIN, ActionParam, ConfiguredAction, places
from bot.settings.tables import Address, Name, Table


class ActionParamTable(Table):
    """A value that an action takes."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")
    choices: tuple[str, ...] = ()
    pattern: str = PLAIN
    default: str | None = None

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern


class ActionTable(Table):
    """An action: a program with its arguments, or an address that is told."""

    name: Name
    summary: str = Field(min_length=1, max_length=200)
    command: tuple[str, ...] = ()
    url: Address | None = None
    params: tuple[ActionParamTable, ...] = ()
    timeout_s: float = Field(60.0, ge=1, le=600)
    repeatable: bool = True
    danger: Literal["read-only", "intrusive", "mutating"] = "mutating"

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either `command` or `url`")
        if self.command and places(self.command[:1]):
            raise ValueError("the program is fixed: values take places in its arguments only")
        asked, given = places(self.command), {param.name for param in self.params}
        if self.command and asked != given:
            odd = ", ".join(sorted(asked ^ given))
            raise ValueError(f"what the command asks for and what `params` names differ: {odd}")
        return self


def configured_action(table: ActionTable) -> ConfiguredAction:
    """Give an action as the domain knows it."""
    return ConfiguredAction(
        name=table.name,
        summary=table.summary,
        command=table.command,
        url=table.url or "",
        params=tuple(ActionParam(**dict(each)) for each in table.params),
        timeout_s=table.timeout_s,
        repeatable=table.repeatable,
        danger=table.danger,
    )
