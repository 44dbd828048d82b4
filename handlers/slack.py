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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from fastapi import Request, Response
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from bot.domain.errors import StoreUnusable
from bot.domain.run import Reply
from bot.ports import Clock
from handlers.slack_actions import take_form, take_press, tell_presser
from handlers.slack_commands import take_command
from handlers.slack_desk import Desk
from handlers.slack_events import take_event
from handlers.slack_forms import PREFIX, refusal
from handlers.slack_shortcuts import take_shortcut

log = structlog.get_logger()

PATH = "/slack/events"
_TOO_OLD_S = 300
_LARGEST, _SSL_CHECK = 1_000_000, 1_000
_READ_S = 1.5
_NUMBER, _SIGNATURE = re.compile("[0-9]{1,12}"), re.compile("v0=[0-9a-f]{64}")
_CONTENT_TYPES = {"application/json", "application/x-www-form-urlencoded"}
_KINDS = {"type", "command", "ssl_check"}
# In JSON, plain or as a form's field; with an escaped backslash it is the words for one.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000|(?<!%5C)(?:%5C%5C)*%5Cu0000", re.IGNORECASE)
_NOT_FOUND, _SERVER_ERROR = 404, 500
_NOT_UNDERSTOOD = "This delivery was not understood."
_BROKEN = "FirstFive made an error of its own; see its log. On its machine `firstfive run` does the same as Slack."

_STRANGE = (
    "FirstFive is not installed in this workspace, or not any more. Ask whoever runs it to bring it in: they open "
    "`/slack/install` on its machine. Nothing was done."
)
# Under which name Bolt's context holds whether the app is installed; where it does not ask, it need not be.
_INSTALLED = "firstfive_installed"

Ack = Callable[..., Awaitable[Any]]
Body = dict[str, Any]
Listener = Callable[[Ack, Body], Awaitable[None]]


def slack_app(desk: Desk) -> AsyncApp:
    """Make the Bolt app: one listener for each kind, since Bolt tries them one after the other."""

    async def authorize(context: Any, team_id: str | None) -> AuthorizeResult:
        """Answer from memory: Bolt would ask Slack who we are on the way of every command.

        Strangers pass too, as they are answered by us; listeners call Slack without Bolt, which gets no token.
        """
        context[_INSTALLED] = await desk.slack.admits(team_id or "")
        return AuthorizeResult(enterprise_id=None, team_id=team_id)

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
    tell = partial(tell_presser, desk)
    app.command(anything)(_edge(_said(desk, take_command), _refusing(desk)))
    app.action(ours)(_edge(_pressed(desk), _whispering(tell), lambda body: tell(body, Reply(_BROKEN))))
    app.view(ours)(_edge(_submitted(desk), _keeping_open))
    app.shortcut(ours)(_edge(_silent(desk, take_shortcut), _whispering(tell)))
    app.event(anything)(_edge(_silent(desk, take_event), _passing))
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
        proof = proof_of(request.headers, clock.now().timestamp())
        body = await _read(request, _LARGEST if proof else _SSL_CHECK)
        if body is None or proof is None or not is_signed(signing_secret, proof, body):
            # Slack checks a certificate with an unsigned request, which asks for nothing but a 200.
            asks_nothing = body is not None and (body.startswith(b"ssl_check=1") or b"&ssl_check=1" in body)
            return Response(status_code=200 if asks_nothing else 401)
        answer = await _dispatch(app, request, body)
        acknowledged(time.perf_counter() - began)
        return answer

    return Route(PATH, deliver, methods=["POST"], include_in_schema=False)


@dataclass(frozen=True)
class Proof:
    """When a delivery says that it was signed, and with what."""

    stamp: str
    signature: str


def proof_of(headers: Headers, now: float) -> Proof | None:
    """Read the headers of a signature of the last five minutes (docs.slack.dev, verifying requests); else None."""
    stamps, given = headers.getlist("x-slack-request-timestamp"), headers.getlist("x-slack-signature")
    if len(stamps) != 1 or len(given) != 1 or not _SIGNATURE.fullmatch(given[0]):
        return None
    if not _NUMBER.fullmatch(stamps[0]) or abs(now - int(stamps[0])) > _TOO_OLD_S:
        return None
    return Proof(stamps[0], given[0])


def is_signed(secret: str, proof: Proof, body: bytes) -> bool:
    """Tell whether a body is what Slack signed."""
    expected = hmac.new(secret.encode(), b"v0:" + proof.stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={expected}", proof.signature)


async def _read(request: Request, at_most: int) -> bytes | None:
    """Read the body; None when it is larger or slower than anything Slack sends, and is then not read on."""
    declared = request.headers.get("content-length", "0")
    if not _NUMBER.fullmatch(declared) or int(declared) > at_most:
        return None
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > at_most:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(body)


async def _dispatch(app: AsyncApp, request: Request, body: bytes) -> Response:
    """Hand a signed delivery to its listener; what is none of Slack's, or no text, is a 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _CONTENT_TYPES:
        return Response(_NOT_UNDERSTOOD, 415)
    try:
        asked = to_async_bolt_request(request, body)
        if not _KINDS & asked.body.keys() or _holds_nul(body, is_json="command" not in asked.body):
            return Response(_NOT_UNDERSTOOD, 400)
        answered = await app.async_dispatch(asked)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, BoltError) as error:
        log.warning("delivery not understood", error=str(error))
        return Response(_NOT_UNDERSTOOD, 400)
    if answered.status >= _SERVER_ERROR:
        # Our listeners let no error out: Bolt itself could not read a shape that is not Slack's.
        return Response(_NOT_UNDERSTOOD, 400)
    # A kind that nobody listens to is not for us: acknowledged, so that Slack does not show an error.
    return Response() if answered.status == _NOT_FOUND else to_starlette_response(answered)


def _holds_nul(body: bytes, *, is_json: bool) -> bool:
    """Tell whether a text of a body has a NUL, which people cannot type."""
    return b"\0" in body or b"%00" in body or (is_json and b"u0000" in body and bool(_ESCAPED_NUL.search(body)))


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


def _refusing(desk: Desk) -> Listener:
    async def listen(ack: Ack, _: Body) -> None:
        await ack(desk.acknowledgement(Reply(_STRANGE)))

    return listen


def _whispering(tell: Callable[[Body, Reply], None]) -> Listener:
    async def listen(ack: Ack, body: Body) -> None:
        tell(body, Reply(_STRANGE))
        await ack()

    return listen


async def _keeping_open(ack: Ack, body: Body) -> None:
    await ack(**refusal(body["view"], {"": _STRANGE}))


async def _passing(ack: Ack, _: Body) -> None:
    await ack()


def _edge(listener: Listener, strange: Listener, broken: Callable[[Body], None] = lambda _: None) -> Callable[..., Any]:
    """Let no error out: a person is told that it is ours, and the log says what it was.

    `strange` answers where the app is not installed. Only what could not be kept and nobody was told of is not
    acknowledged: Slack delivers an event again.
    """

    async def listen(ack: Ack, body: Body, context: Any) -> None:
        # Bolt finds the workspace in every shape of delivery; in a shared channel it is the one that we are in.
        body = {**body, "team_id": context.team_id or ""}
        try:
            await (listener if context.get(_INSTALLED, True) else strange)(ack, body)
        except StoreUnusable:
            raise
        except Exception:
            log.exception("listener failed", kind=body.get("type") or body.get("command"))
            broken(body)
            await (ack(_BROKEN) if "command" in body else ack())

    return listen
