"""Who may do what with a service: named in the configuration by the chat's own ids, and nobody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.run import Missing
from bot.domain.timeline import Person

MACHINE = "cli:"
"""How the ids of accounts of the bot's own machine begin."""
_GROUP = "S"


class Right(StrEnum):
    """What somebody may do with a service."""

    APPROVE = "approve"
    BREAK_GLASS = "break glass"


@dataclass(frozen=True)
class People:
    """Who has which right on a service: ids of users (U..., W...) and of user groups (S...)."""

    approve: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()

    def having(self, right: Right) -> tuple[str, ...]:
        """Give the ids that a right was given to."""
        return self.approve if right is Right.APPROVE else self.break_glass


@dataclass(frozen=True)
class Ruling:
    """Whether somebody may do it, and if not, why: a sentence that names them."""

    granted: bool
    reason: str = ""


GRANTED = Ruling(granted=True)
Members = frozenset[str] | Missing


def groups_of(people: People, right: Right, person: Person) -> tuple[str, ...]:
    """Name the user groups that must be looked into before it can be told whether somebody has a right."""
    named = people.having(right)
    if person.id in named or person.id.startswith(MACHINE):
        return ()
    return tuple(each for each in named if each.startswith(_GROUP))


def rule(service: str, people: People, right: Right, person: Person, members: Mapping[str, Members]) -> Ruling:
    """Tell whether somebody has a right on a service; `members` has what is known of each group of `groups_of`.

    Nobody has a right that was not given to them. An account of the bot's machine holds no role, as one person may have
    several; but whoever is there can do anything to it, so their breaking the glass is let through, and recorded.
    """
    if person.id.startswith(MACHINE):
        return GRANTED if right is Right.BREAK_GLASS else Ruling(granted=False, reason=_ON_THE_MACHINE.format(service))
    named = people.having(right)
    if person.id in named or any(person.id in found for found in members.values() if not isinstance(found, Missing)):
        return GRANTED
    if not named:
        return Ruling(granted=False, reason=nobody(service, right))
    unknown = [f"{group}: {found.reason}" for group, found in members.items() if isinstance(found, Missing)]
    if unknown:
        told = "; ".join(unknown)
        return Ruling(
            granted=False,
            reason=f"Whether {person.name} may {right.value} for {service} cannot be told now ({told}). Whoever the "
            f"configuration names by their own id still can; so can whoever breaks the glass on the bot's machine.",
        )
    return Ruling(
        granted=False, reason=f"{person.name} is not among those who may {right.value} for {service}. {_WHERE}"
    )


def nobody(service: str, right: Right) -> str:
    """Say that a right was given to nobody."""
    return f"Nobody may {right.value} for {service} yet. {_WHERE}"


_WHERE = "Its `[services.people]` in the configuration says who may."
_ON_THE_MACHINE = (
    "An account of the bot's machine holds no role, so it cannot approve for {}: approve in Slack, or break the glass."
)


@dataclass(frozen=True)
class Standing:
    """What two people have let FirstFive do by itself: take traffic from a canary, by exactly this policy."""

    service: str
    policy: str
    asked_by: Person
    approved_by: Person
    at: datetime


@dataclass(frozen=True)
class Frozen:
    """A service that must not be touched; `until`: None until somebody thaws it. Times UTC."""

    service: str
    reason: str
    by: Person
    at: datetime
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether its time is not over."""
        return self.until is None or now < self.until

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"{self.service} is frozen{until}: {self.reason} ({self.by.name}, {self.at:%Y-%m-%d %H:%M} UTC)."
