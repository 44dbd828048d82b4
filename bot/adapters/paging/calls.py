"""Calls to a paging service: tried a few times, since a page that is not sent wakes nobody."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import httpx

from bot.domain.errors import FirstFiveError
from bot.domain.timeline import Person
from bot.ports import PageState

Json = dict[str, Any]

_TRIES = 4
_TIMEOUT_S = 5.0
_LONGEST_WAIT_S = 5.0
_TOO_MANY, _SERVER_ERROR = 429, 500
_SHOWN = 200


class PageFailed(FirstFiveError):
    """A paging service did not take a call; says why."""


class Service(Protocol):
    """One paging service. Every method raises PageFailed; the same key again changes nothing there."""

    @property
    def name(self) -> str:
        """What people call it."""

    async def trigger(self, text: str, key: str) -> None:
        """Page whoever is on call there."""

    async def answered(self, key: str) -> Person | None:
        """Say who acknowledged; None while nobody has, or where the service does not tell."""

    async def follow(self, key: str, to: PageState) -> None:
        """Acknowledge or resolve."""


class Calls:
    """Calls one address, `tries` times. Waits `pause_s` before the second try, then twice as long each time."""

    def __init__(self, base_url: str, headers: Mapping[str, str], pause_s: float = 0.5, tries: int = _TRIES) -> None:
        self._base_url = base_url
        self._headers = dict(headers)
        self._pause_s = pause_s
        self._tries = tries

    async def send(self, method: str, path: str, body: Json | None = None, **params: str) -> Json:
        """Call; give the answer's JSON object, {} where it has none.

        :raises PageFailed: it was refused, or not answered however often it was tried.
        """
        wait_s, reason = self._pause_s, ""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, headers=self._headers) as client:
            for attempt in range(self._tries):
                if attempt:
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
                try:
                    answer = await client.request(method, self._base_url + path, json=body, params=params)
                except httpx.HTTPError as error:
                    reason = f"not reached: {type(error).__name__}"
                    continue
                if answer.is_success:
                    return _object(answer)
                reason = f"answered {answer.status_code}: {_explained(answer)}".rstrip(": ")
                if answer.status_code < _SERVER_ERROR and answer.status_code != _TOO_MANY:
                    break
                wait_s = min(max(wait_s, _retry_after_s(answer)), _LONGEST_WAIT_S)
        raise PageFailed(reason)


def _object(answer: httpx.Response) -> Json:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _explained(answer: httpx.Response) -> str:
    """Give the service's own words: PagerDuty sends `message` and `errors`, Opsgenie `message`."""
    body = _object(answer)
    errors = body.get("errors")
    parts = [str(body.get("message") or ""), *(map(str, errors) if isinstance(errors, list) else ())]
    return "; ".join(filter(None, parts))[:_SHOWN]


def _retry_after_s(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
