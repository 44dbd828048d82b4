"""Slack's door: one URL for commands, interactivity and events, and the same listeners over Socket Mode.

Bolt runs with `process_before_response`: its other mode polls for the acknowledgement every 10 ms, and forgets the
errors of what it runs afterwards. A listener therefore only admits; everything else is a durable run.
"""

import asyncio
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from fastapi import Request, Response
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from bot.domain.errors import StoreUnusable
from bot.domain.run import Reply
from bot.ports import Clock
from handlers.slack_actions import take_form, take_press, tell_presser
from handlers.slack_commands import take_command
from handlers.slack_desk import Desk
from handlers.slack_events import take_event
from handlers.slack_forms import PREFIX
from handlers.slack_shortcuts import take_shortcut

log = structlog.get_logger()

PATH = "/slack/events"
_TOO_OLD_S = 300
_LARGEST = 1_000_000
_READ_S = 2.5
_NOT_FOUND, _SERVER_ERROR = 404, 500
_NOT_UNDERSTOOD = "This delivery was not understood."
_BROKEN = "FirstFive made an error of its own; see its log. On its machine `firstfive run` does the same as Slack."

Ack = Callable[..., Awaitable[Any]]
Body = dict[str, Any]
Listener = Callable[[Ack, Body], Awaitable[None]]


def slack_app(desk: Desk, bot_token: str) -> AsyncApp:
    """Make the Bolt app: one listener for each kind, since Bolt tries them one after the other."""

    async def authorize(**context: Any) -> AuthorizeResult:
        """Answer from memory: Bolt would ask Slack who we are on the way of every command."""
        return AuthorizeResult(
            enterprise_id=context.get("enterprise_id"), team_id=context.get("team_id"), bot_token=bot_token
        )

    app = AsyncApp(
        logger=logging.getLogger("slack_bolt"),
        name="firstfive",
        process_before_response=True,
        # Our own route has checked the signature; Socket Mode has none.
        request_verification_enabled=False,
        signing_secret="-",  # noqa: S106 - unused, see above; without one Bolt reads the environment
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        authorize=authorize,
    )
    anything, ours = re.compile(".*", re.DOTALL), re.compile(f"^{PREFIX}")
    app.command(anything)(_edge(_said(desk, take_command)))
    app.action(ours)(_edge(_pressed(desk), lambda body: tell_presser(desk, body, Reply(_BROKEN))))
    app.view(ours)(_edge(_submitted(desk)))
    app.shortcut(ours)(_edge(_silent(desk, take_shortcut)))
    app.event(anything)(_edge(_silent(desk, take_event)))
    return app


def slack_route(
    app: AsyncApp, signing_secret: str, clock: Clock, acknowledged: Callable[[float], None] = lambda _: None
) -> Route:
    """Make the route for signed HTTP deliveries; `acknowledged` is told how many seconds each has waited.

    A plain one: FastAPI's own would spend an acknowledgement's time on looking for parameters.
    """

    async def deliver(request: Request) -> Response:
        """Let in what Slack signed; anything else is refused with a 4xx, whatever it looks like."""
        began = time.perf_counter()
        body = await _read(request)
        if body is None:
            return Response("The body is too large or too slow.", 413)
        if not is_signed(signing_secret, request.headers, body, clock.now().timestamp()):
            # Slack checks a certificate with an unsigned request, which asks for nothing but a 200.
            asks_nothing = body.startswith(b"ssl_check=1") or b"&ssl_check=1" in body
            return Response(status_code=200 if asks_nothing else 401)
        answer = await _dispatch(app, request, body)
        acknowledged(time.perf_counter() - began)
        return answer

    return Route(PATH, deliver, methods=["POST"], include_in_schema=False)


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Tell whether Slack signed a body within the last five minutes (docs.slack.dev, verifying requests)."""
    stamp = headers.get("x-slack-request-timestamp", "")
    given = headers.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(now - int(stamp)) > _TOO_OLD_S:
        return False
    expected = "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))


async def _read(request: Request) -> bytes | None:
    """Read the body; None when it is larger or slower than anything Slack sends."""
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(body)


async def _dispatch(app: AsyncApp, request: Request, body: bytes) -> Response:
    try:
        answered = await app.async_dispatch(to_async_bolt_request(request, body))
    except (ValueError, TypeError, AttributeError, LookupError, BoltError) as error:
        log.warning("delivery not understood", error=str(error))
        return Response(_NOT_UNDERSTOOD, 400)
    if answered.status >= _SERVER_ERROR:
        # Our listeners let no error out: Bolt itself could not read a shape that is not Slack's.
        return Response(_NOT_UNDERSTOOD, 400)
    # A kind that nobody listens to is not for us: acknowledged, so that Slack does not show an error.
    return Response() if answered.status == _NOT_FOUND else to_starlette_response(answered)


def _said(desk: Desk, take: Callable[[Desk, Body], Awaitable[Reply | None]]) -> Listener:
    """Make a listener that acknowledges with what there is to say."""

    async def listen(ack: Ack, body: Body) -> None:
        said = desk.acknowledgement(await take(desk, body))
        await (ack(said) if said else ack())

    return listen


def _pressed(desk: Desk) -> Listener:
    """Make a listener that acknowledges with nothing: Slack shows nobody the words of this acknowledgement."""

    async def listen(ack: Ack, body: Body) -> None:
        await take_press(desk, body)
        await ack()

    return listen


def _submitted(desk: Desk) -> Listener:
    async def listen(ack: Ack, body: Body) -> None:
        answer = await take_form(desk, body)
        await (ack(**answer) if answer else ack())

    return listen


def _silent(desk: Desk, take: Callable[[Desk, Body], Awaitable[None]]) -> Listener:
    """Make a listener whose acknowledgement says nothing."""

    async def listen(ack: Ack, body: Body) -> None:
        await take(desk, body)
        await ack()

    return listen


def _edge(listener: Listener, broken: Callable[[Body], None] = lambda _: None) -> Listener:
    """Let no error out: a person is told that it is ours, and the log says what it was.

    Only what could not be kept and nobody was told of is not acknowledged: Slack delivers an event again.
    """

    async def listen(ack: Ack, body: Body) -> None:
        try:
            await listener(ack, body)
        except StoreUnusable:
            raise
        except Exception:
            log.exception("listener failed", kind=body.get("type") or body.get("command"))
            broken(body)
            await (ack(_BROKEN) if "command" in body else ack())

    return listen
