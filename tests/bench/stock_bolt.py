"""Bolt as its documentation shows it, for comparison: a process of its own, on FastAPI and uvicorn or in Socket Mode.

`/plain` only acknowledges, `/kept` commits a row first; `/respond` takes what an app says later, so that answers
have somewhere to go. Run as a program it prints its address and serves until its standard input ends.
"""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine, create_engine, event, text

from tests.integration.emulator_process import BOT_TOKEN, SECRET

_TABLE = text("CREATE TABLE inbox (trigger_id TEXT PRIMARY KEY, actor TEXT, words TEXT, body TEXT)")
_INSERT = text("INSERT INTO inbox (trigger_id, actor, words, body) VALUES (:trigger_id, :user_id, :text, :body)")

Listener = Callable[..., Awaitable[None]]


@asynccontextmanager
async def running_stock_bolt(api_url: str, database: Path, app_token: str = "") -> AsyncIterator[str]:
    """Start the process; give its address, which is empty with an app token: then it has connected by itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, api_url, str(database), app_token,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    address = (await process.stdout.readline()).decode().strip()
    try:
        yield address
    finally:
        process.stdin.close()
        await process.wait()


def opened(database: Path) -> Engine:
    """Open a database that keeps as much as ours: WAL, flushed at every commit."""
    engine = create_engine(f"sqlite:///{database}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    with engine.begin() as connection:
        connection.execute(_TABLE)
    return engine


def routes(api_url: str, engine: Engine) -> FastAPI:
    """Give the application."""

    async def acknowledge(ack: AsyncAck) -> None:
        await ack("On it.")

    async def respond(request: Request) -> Response:
        await request.body()
        return Response("ok")

    app = FastAPI()
    app.add_api_route("/plain", endpoint(api_url, acknowledge), methods=["POST"])
    app.add_api_route("/kept", endpoint(api_url, keeping(engine)), methods=["POST"])
    app.add_api_route("/respond", respond, methods=["POST"])
    return app


def keeping(engine: Engine) -> Listener:
    """Give a listener that commits a row before it acknowledges."""

    async def keep(ack: AsyncAck, body: dict[str, Any]) -> None:
        await asyncio.to_thread(insert, body)
        await ack("On it.")

    def insert(body: dict[str, Any]) -> None:
        with engine.begin() as connection:
            connection.execute(_INSERT, {**body, "body": str(body)})

    return keep


def bolt_app(api_url: str, listener: Listener) -> AsyncApp:
    """Give an app with one command."""
    app = AsyncApp(client=AsyncWebClient(BOT_TOKEN, base_url=api_url), signing_secret=SECRET)
    app.command("/incident")(listener)
    return app


async def listen(app: AsyncApp, app_token: str) -> None:
    """Connect as Bolt's example for Socket Mode does, and stay."""
    handler: Any = AsyncSocketModeHandler(app, app_token)
    await handler.connect_async()
    sys.stdout.write("\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def endpoint(api_url: str, listener: Listener) -> Callable[[Request], Awaitable[Response]]:
    """Give the route of Bolt's example for FastAPI."""
    handler = AsyncSlackRequestHandler(bolt_app(api_url, listener))

    async def handle(request: Request) -> Response:
        return await handler.handle(request)

    return handle


def main() -> None:
    """Serve until standard input ends."""
    _, api_url, database, app_token = sys.argv
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    if app_token:
        asyncio.run(listen(bolt_app(api_url, keeping(opened(Path(database)))), app_token))
        return
    # Naming the protocol matters: asyncio turns Nagle off only then, and every answer would wait 40 ms for its body.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(routes(api_url, opened(Path(database))), log_level="warning", access_log=False)
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
