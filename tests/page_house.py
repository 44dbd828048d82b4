"""The whole product without any Slack, in this process: its pages for several people, each known by a cookie."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.timeline import Person
from bot.main import create_app
from bot.settings import Settings, read
from handlers.reader import admit
from tests.databases import fresh_sqlite
from tests.fakes.readers import signed_in
from tests.integration.emulator_process import ADA, BEN

PEOPLE = {"ada": Person(ADA, "ada"), "ben": Person(BEN, "ben")}
COOKIE = "test-reader"


class Known:
    """ASGI middleware behind the guard: whoever brings the cookie is that person, everybody else who they were."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = cookie_parser(Headers(scope=scope).get("cookie", "")).get(COOKIE, "")
            if name in PEOPLE:
                admit(scope, signed_in(PEOPLE[name]))
        await self._app(scope, receive, send)


def settings_in(folder: Path, config: Sequence[str] = ()) -> Settings:
    """Configure the product with everything in a folder, and a new database."""
    (folder / "firstfive.toml").write_text("\n".join(config))
    return read(
        {
            "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
            "DATABASE_URL": fresh_sqlite(folder, "firstfive.db"),
            "ARTIFACTS_URL": str(folder / "artifacts"),
        }
    )


def for_people(app: FastAPI) -> FastAPI:
    """Let people be known by the cookie, behind whatever guards the app."""
    app.user_middleware.append(Middleware(Known))
    return app


@asynccontextmanager
async def running_pages(settings: Settings) -> AsyncIterator[str]:
    """Serve the product on a free port; give its address."""
    app = for_people(create_app(settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        await asyncio.sleep(0.02)  # what was shut down is closed by the loop, which must go on for that
