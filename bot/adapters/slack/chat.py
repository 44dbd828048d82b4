"""Calls Slack's Web API: one session, its turn awaited, every failure told apart."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import structlog

from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.limits import Limits, is_scarce
from bot.domain.errors import ChatFailed
from bot.ports import Clock

Json = dict[str, Any]
log = structlog.get_logger()

_PATIENCE_S = 3.0
# What was not answered has come, or never will, after so many times as long as it was waited for.
LATEST = 2.0
_UPLOAD_S = 60.0
_RATE_LIMITED = 429
_SERVER_ERROR = 500
_OK = 200
_RETRY_AFTER_S = 30.0
_SPEECHLESS_S = 1.0
# What Slack itself calls passing; it may have done half of the work before it said so.
_PASSING = {"internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
# The operator must act; until then there is no point in giving the incident's own surfaces up.
CREDENTIALS = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
_UNREACHED = "unreachable"
_UNANSWERED = "unanswered"
UNREACHABLE = {_UNREACHED, _UNANSWERED}


Count = Callable[[str, str, float], None]
Note = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Health:
    """Whether Slack answers; `error` and `since` of the trouble that lasts."""

    ok: bool
    error: str = ""
    since: datetime | None = None


@dataclass
class _Line:
    """What calls over one line share."""

    session: aiohttp.ClientSession | None = None
    health: Health = field(default_factory=lambda: Health(ok=True))
    me: Json = field(default_factory=dict)


class Chat:
    """One workspace's Web API. `count` is told of every call: its method, how it ended, its seconds."""

    def __init__(  # noqa: PLR0913 - the last three are for `under` alone
        self,
        config: SlackConfig,
        clock: Clock,
        limits: Limits | None = None,
        count: Count = lambda *_: None,
        *,
        may_speak: Callable[[], bool] = lambda: True,
        note: Note | None = None,
        line: _Line | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._limits = limits or Limits()
        self._count = count
        self._may_speak = may_speak
        self._note = note
        self._line = line or _Line()

    def under(self, may_speak: Callable[[], bool], note: Note | None = None) -> "Chat":
        """Give the same line for calls that need the word; asked right before each is sent.

        `note` is awaited before a call of a scarce method is sent: its turn is used.
        """
        more: Any = {"may_speak": may_speak, "note": note, "line": self._line}
        return Chat(self._config, self._clock, self._limits, self._count, **more)

    @property
    def timeout_s(self) -> float:
        """Give how long an answer is waited for; what was not answered may be done later than that."""
        return self._config.timeout_s

    @property
    def session(self) -> aiohttp.ClientSession:
        """The one session; made on the loop that uses it."""
        if self._line.session is None or self._line.session.closed:
            self._line.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout_s))
        return self._line.session

    async def close(self) -> None:
        """Close the connections."""
        if self._line.session is not None:
            await self._line.session.close()

    def health(self) -> Health:
        """Tell whether the last calls went through."""
        return self._line.health

    async def me(self) -> str:
        """Give the bot's own user id; asked once."""
        if not self._line.me:
            self.know(await self.call("auth.test"))
        return str(self._line.me.get("user_id", ""))

    def know(self, me: Json) -> None:
        """Take in who we are, as auth.test says it."""
        self._line.me = dict(me)

    @property
    def team(self) -> str:
        """The id of the workspace, as far as it is known."""
        return str(self._line.me.get("team_id", ""))

    async def call(self, method: str, **args: Any) -> Json:
        """Call a method; give its answer.

        :raises ChatFailed: Slack refused, or did not answer.
        """
        return await self._call(method, args, self.timeout_s, _PATIENCE_S)

    async def call_within(self, seconds: float, method: str, **args: Any) -> Json:
        """Call a method that somebody waits for: no turn is awaited, no answer for longer than this.

        :raises ChatFailed: Slack refused, or did not answer in time.
        """
        return await self._call(method, args, seconds, 0.0)

    async def _call(self, method: str, args: Mapping[str, Any], timeout_s: float, patience_s: float) -> Json:
        channel = str(args.get("channel", ""))
        await self._limits.turn(method, channel, patience_s)
        if self._note is not None and is_scarce(method):
            await self._note()
        self._check_word()
        headers = {"Authorization": f"Bearer {self._config.bot_token}"}
        began = time.perf_counter()
        try:
            status, after, body = await self._post(self._config.api_url + method, _form(args), headers, timeout_s)
            self._check(status, after, body)
        except ChatFailed as failure:
            if failure.code == "ratelimited":
                self._limits.pause(method, channel, failure.retry_after_s or _RETRY_AFTER_S)
            self._count(method, failure.code, time.perf_counter() - began)
            self._failed(method, failure)
            raise
        self._count(method, "ok", time.perf_counter() - began)
        self._succeeded(method)
        return body

    async def respond(self, url: str, body: Mapping[str, Any]) -> None:
        """Answer at a response url.

        :raises ChatFailed: the url is used up, expired, or was not reached.
        """
        self._check_word()
        kind = {"Content-Type": "application/json"}
        status, _, answer = await self._post(url, json.dumps(body), kind, self.timeout_s)
        if status != _OK:
            code = str(answer.get("error") or f"http_{status}")
            raise ChatFailed(code, retryable=status >= _SERVER_ERROR or status == _RATE_LIMITED)

    async def upload(self, name: str, title: str, content: bytes, **where: Any) -> Json:
        """Upload a file and share it; `where` as for files.completeUploadExternal."""
        place = await self.call("files.getUploadURLExternal", filename=name, length=len(content))
        status, _, _ = await self._post(str(place["upload_url"]), content, {}, _UPLOAD_S)
        if status != _OK:
            raise ChatFailed(f"http_{status}", retryable=status >= _SERVER_ERROR)
        files = [{"id": place["file_id"], "title": title}]
        return await self.call("files.completeUploadExternal", files=files, **where)

    async def _post(
        self, url: str, data: Any, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, float | None, Json]:
        limit = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self.session.post(
                url, data=data, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                text = await response.text(errors="replace")
                return response.status, _seconds(response.headers.get("Retry-After")), _body(text)
        except aiohttp.ClientConnectorError as error:
            raise ChatFailed(_UNREACHED, retryable=True) from error
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise ChatFailed(_UNANSWERED, retryable=True, unsure=True) from error

    def _check_word(self) -> None:
        if not self._may_speak():
            raise ChatFailed("speechless", retryable=True, retry_after_s=_SPEECHLESS_S)

    def _check(self, status: int, after: float | None, body: Json) -> None:
        if status == _RATE_LIMITED or body.get("error") == "ratelimited":
            raise ChatFailed("ratelimited", retryable=True, retry_after_s=after or _RETRY_AFTER_S)
        if status >= _SERVER_ERROR:
            raise ChatFailed(f"http_{status}", retryable=True, unsure=True, retry_after_s=after)
        if not body.get("ok"):
            code = str(body.get("error") or f"http_{status}")
            # An answer without an error word is not Slack's: a proxy's page, a wrong address.
            passing = code in _PASSING or not body.get("error")
            raise ChatFailed(code, retryable=passing or code in CREDENTIALS, unsure=passing)

    def _failed(self, method: str, failure: ChatFailed) -> None:
        if failure.retryable and (self._line.health.ok or self._line.health.error != failure.code):
            since = self._line.health.since or self._clock.now()
            self._line.health = Health(ok=False, error=failure.code, since=since)
            log.warning("slack degraded", method=method, error=failure.code)

    def _succeeded(self, method: str) -> None:
        if not self._line.health.ok:
            log.info("slack answers again", method=method, was=self._line.health.error)
            self._line.health = Health(ok=True)


def _form(args: Mapping[str, Any]) -> dict[str, str]:
    """Encode for a form, which every method takes; JSON bodies only some."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in args.items()}


def _body(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
