"""The table of a service's people: who may let changes of it happen, by id."""

import re
from typing import Annotated

from pydantic import AfterValidator

from bot.domain.authority import People
from bot.settings.tables import Table


def _id(value: str) -> str:
    if not re.fullmatch(r"[UWS][A-Z0-9]{8,20}|oidc:[!-~]{1,200}", value):
        raise ValueError(
            f"{value!r} is no id. Write a person's member id (U012AB3CD) or a user group's id (S012AB3CD), as Slack "
            f"shows them under `Copy member ID` and `Copy group ID`, or oidc: and what another provider of "
            f"sign-in calls them (`sub`); a name can be taken by somebody else"
        )
    return value


SlackId = Annotated[str, AfterValidator(_id)]


class PeopleTable(Table):
    """Who may let changes of a service happen, and who may do so without a second person: ids, never names."""

    approve: tuple[SlackId, ...] = ()
    break_glass: tuple[SlackId, ...] = ()


def people(table: PeopleTable) -> People:
    """Give who may do what as the domain knows it."""
    return People(table.approve, table.break_glass)
