"""Who asks for a page or the API: put into the request by the guard in front, taken from there by every route."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.types import Scope

from bot.domain.timeline import Person

LOCAL = Person("api:local", "API (this machine)")
_KEY, _AGAIN = "firstfive.reader", "firstfive.again"

Again = Callable[[], Awaitable[bool]]
"""Tells whether somebody would be let through now as they were before."""


class Way(StrEnum):
    """How a reader is known."""

    MACHINE = "this machine"
    SESSION = "signed in"
    TOKEN = "token"  # noqa: S105 - the word for it


@dataclass(frozen=True)
class Reader:
    """Somebody who asks. `seal`: what a form of theirs carries, which no page of another origin can know.

    `may_command`: False for a token that may only look. `team` is the workspace that they have signed in with.
    """

    person: Person
    way: Way
    seal: str = field(default="", repr=False)
    may_command: bool = True
    team: str = ""

    @property
    def is_known(self) -> bool:
        """Tell whether they are somebody: who only has this machine may be anybody on it."""
        return self.way is not Way.MACHINE


async def _always() -> bool:
    return True


def admit(scope: Scope, reader: Reader, again: Again = _always) -> None:
    """Let a request through, as this reader's; `again` tells, while it is answered, whether it still would be."""
    scope[_KEY], scope[_AGAIN] = reader, again


async def is_admitted(request: HTTPConnection) -> bool:
    """Tell whether who asks would be let through still: an answer may go on for longer than their session.

    :raises StoreUnusable: it cannot be told now.
    """
    again: Again = request.scope[_AGAIN]
    return await again()


def perhaps(request: HTTPConnection) -> Reader | None:
    """Give who asks; None where everybody may ask, and nobody looked."""
    found: Reader | None = request.scope.get(_KEY)
    return found


def reader_of(request: Request) -> Reader:
    """Give who asks.

    :raises LookupError: no guard stands in front of this route; nobody is let through by having been forgotten.
    """
    found = perhaps(request)
    if found is None:
        raise LookupError(f"nobody has looked who asks for {request.url.path}")
    return found


Asks = Annotated[Reader, Depends(reader_of)]
"""How a route says that it wants to know who asks."""
