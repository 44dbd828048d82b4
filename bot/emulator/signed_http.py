"""Deliveries by HTTP: signed with the app's secret, JSON for events and forms for the rest."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import urlencode

import aiohttp

from bot.emulator.clock import Clock
from bot.emulator.delivery import Answer, Kind, Retry, Spoiled
from bot.emulator.messages import Json
from bot.emulator.settings import Settings

OLD_S = 600
GARBAGE = b'{"payload": \xff\x00'
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the app answered, word for word."""

    status: int
    text: str
    headers: Mapping[str, str]


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a request the way Slack does, version 0."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def encoded(kind: Kind, payload: Json) -> tuple[bytes, str]:
    """Render a payload as bytes and content type."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


class SignedHttp:
    """Posts to the app's request URL."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._verified = False
        self._verifying = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections to the app."""
        if self._session is not None:
            await self._session.close()

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None, spoiled: Spoiled = "") -> Answer:
        """Post one payload; before the first event the app proves that the URL is its own."""
        if kind == "events_api" and not self._verified:
            async with self._verifying:
                await self._verify()
        return await self._deliver(kind, payload, retry, spoiled)

    async def _verify(self) -> None:
        if self._verified:
            return
        challenge = token_hex(16)
        question = {"token": "", "challenge": challenge, "type": "url_verification"}
        answer = await self._deliver("events_api", question, None, "")
        # An app that is not up yet is asked again with the next event.
        self._verified = answer.failure != "connection_failed"
        if self._verified and challenge not in (answer.body.get("challenge"), answer.body.get("text")):
            log.warning("%s did not answer the challenge of url_verification", self._settings.app_url)

    def signed(self, body: bytes, spoiled: Spoiled = "", age_s: float = 0) -> dict[str, str]:
        """Return the headers that prove who sent a body, or fail to when `spoiled`."""
        timestamp = str(int(self._clock.real() - (OLD_S if spoiled == "old_signature" else age_s)))
        secret = "somebody else's" if spoiled == "bad_signature" else self._settings.signing_secret
        return {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(secret, timestamp, body),
        }

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post bytes to the app's request URL, whatever they are.

        :raises aiohttp.ClientError: the app was not reached, or broke off.
        """
        if self._session is None:
            # Shorter than the 5 s after which uvicorn closes an idle connection: a race would look like a failure.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=2))
        async with self._session.post(
            self._settings.app_url, data=body, headers=headers, allow_redirects=False
        ) as response:
            return Reply(response.status, await response.text(errors="replace"), response.headers.copy())

    async def _deliver(self, kind: Kind, payload: Json, retry: Retry | None, spoiled: Spoiled) -> Answer:
        body, content_type = encoded(kind, payload)
        if spoiled == "garbage":
            body = GARBAGE
        headers = {"Content-Type": content_type, **self.signed(body, spoiled)}
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason}
        try:
            async with asyncio.timeout(self._settings.ack_timeout_s):
                reply = await self.post(body, headers)
        except TimeoutError:
            return Answer("http_timeout")
        except (aiohttp.ClientError, OSError) as error:
            log.info("the app was not reached: %s", error)
            return Answer("connection_failed")
        if reply.status != 200:  # noqa: PLR2004 - the only status Slack takes for an acknowledgement
            return Answer("http_error", stop_retries=reply.headers.get("X-Slack-No-Retry") == "1")
        return Answer(body=parsed_body(reply.text))


def parsed_body(text: str) -> Json:
    """Read the body of an acknowledgement: JSON, plain text for the person, or nothing."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {"text": text}
    return value if isinstance(value, dict) else {"text": text}
