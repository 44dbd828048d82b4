"""Who may come in by the browser or by a script, for how long, and as whom.

A person is known by the chat's own id wherever there is a chat, so that their roles are the same there and here; else
by what the provider calls them, as `oidc:SUBJECT`. A script is somebody of its own, `token:` and the id of whoever made
its token: it holds none of their rights, and they are no second person to it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.run import Missing
from bot.domain.timeline import TOKEN, Kind, Person, storable

LIFE = timedelta(hours=12)
"""How long a session lasts. It is not drawn out by use."""
OIDC = "oidc:"
_NAME_MAX, _PATH_MAX = 80, 1_000
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_NOT_INTO = ("/sign-in", "/sign-out")
_USER, _TEAM = re.compile("[UW][A-Z0-9]{2,20}"), re.compile("T[A-Z0-9]{2,20}")
_SUBJECT = re.compile("[!-~]{1,200}")


class Scope(StrEnum):
    """What a token may do: look, or give commands too. None approves, and none breaks the glass."""

    READ = "read"
    COMMAND = "command"


@dataclass(frozen=True)
class Session:
    """A browser that somebody has signed in with. `digest` is the sha256 of what its cookie holds.

    `team` is their workspace, "" where there is none.
    """

    digest: str = field(repr=False)
    person: Person
    team: str
    made_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Token:
    """What a script shows. `digest` is its sha256, and all that is kept of it; `owner` is who made it."""

    id: str
    digest: str = field(repr=False)
    name: str
    scope: Scope
    owner: Person
    team: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def person(self) -> Person:
        """Who acts when it is shown."""
        return Person(f"{TOKEN}{self.owner.id}", f"{self.owner.name}'s token {self.name}")

    def holds(self, now: datetime) -> bool:
        """Tell whether it still counts."""
        return self.revoked_at is None and now < self.ends_at


@dataclass(frozen=True)
class Known:
    """Somebody whom a provider vouches for; `team` is their workspace, `mail` an e-mail address that it has checked.

    `grant`: with what the provider can be asked again about them, "" where it gave nothing for that.
    """

    person: Person
    team: str = ""
    mail: str = ""
    grant: str = field(default="", repr=False)


@dataclass(frozen=True)
class Vouched:
    """What a provider says of somebody, verified, and the `grant` to ask it again; "" where it gave none."""

    claims: Mapping[str, Any]
    grant: str = field(default="", repr=False)


def of_slack(claims: Mapping[str, Any]) -> Known | Missing:
    """Read whom Slack vouches for. Source: docs.slack.dev, Sign in with Slack."""
    user, team = _word(claims, "https://slack.com/user_id"), _word(claims, "https://slack.com/team_id")
    if not _USER.fullmatch(user) or not _TEAM.fullmatch(team):
        return Missing("Slack did not say who you are, or in which workspace.")
    return Known(Person(user, _name(claims, user)), team)


def of_provider(claims: Mapping[str, Any], domains: Sequence[str]) -> Known | Missing:
    """Read whom another provider vouches for: people with a checked e-mail address of one of our own domains."""
    subject, mail = _word(claims, "sub"), _word(claims, "email").casefold()
    if not _SUBJECT.fullmatch(subject):
        return Missing("The provider did not say who you are.")
    if claims.get("email_verified") is not True or mail.count("@") != 1:
        return Missing("The provider did not say that it has checked your e-mail address.")
    if mail.partition("@")[2] not in {domain.casefold() for domain in domains}:
        return Missing("Your e-mail address is of none of the domains that may come in here.")
    return Known(Person(f"{OIDC}{subject}", _name(claims, mail)), mail=mail)


def own_path(text: str) -> str:
    """Give a path of ours that somebody may be led to; "/" for everything else, an address elsewhere above all."""
    if len(text) > _PATH_MAX or not _OWN_PATH.fullmatch(text) or text.startswith(_NOT_INTO):
        return "/"
    return text


def _word(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _name(claims: Mapping[str, Any], otherwise: str) -> str:
    named = (" ".join(_word(claims, key).split()) for key in ("name", "preferred_username"))
    return storable(next(filter(None, named), otherwise))[:_NAME_MAX]


def told(kind: Kind, facts: Mapping[str, Any]) -> str:
    """Say in a sentence what an entry of one of `KINDS` tells; its actor is the subject."""
    return _TOLD[kind](facts)


_TOLD: Mapping[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.SIGNED_IN: lambda facts: f"Signed in by {facts['by']}.",
    Kind.SIGNED_OUT: lambda _: "Signed out.",
    Kind.TOKEN_MADE: lambda facts: f"Made the token {facts['name']} ({facts['token']}), which may {facts['scope']}.",
    Kind.TOKEN_REVOKED: lambda facts: f"Revoked the token {facts['name']} ({facts['token']}).",
}
KINDS = tuple(_TOLD)
