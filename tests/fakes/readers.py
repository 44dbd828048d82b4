"""Who asks, where no guard stands in front."""

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.timeline import Person
from handlers.reader import LOCAL, Reader, Way, admit

HERE = Reader(LOCAL, Way.MACHINE, "the-seal")


def signed_in(person: Person) -> Reader:
    """Give somebody who has signed in."""
    return Reader(person, Way.SESSION, f"the-seal-of-{person.id}")


class Read:
    """ASGI middleware: lets everybody through, as one reader."""

    def __init__(self, app: ASGIApp, reader: Reader = HERE) -> None:
        self._app = app
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admit(scope, self._reader)
        await self._app(scope, receive, send)
