"""Who is who in the workspace. While Slack is down a mention is taken as it was given: an incident must go on."""

import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.adapters.slack.chat import Chat, Json
from bot.adapters.slack.projection import is_user
from bot.domain.errors import ChatFailed
from bot.domain.run import Missing
from bot.domain.timeline import Person
from bot.ports import Clock

_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|([^>]*))?>|([UW][A-Z0-9]{5,20})")
_MAIL = re.compile(r"[^@\s]{1,100}@[^@\s]+\.[^@\s]+")
_FRESH = timedelta(minutes=10)
_WITHIN_S = 4.0
_AT_ONCE_S = 0.4
_REST = timedelta(seconds=30)
_PAGES = 20
_LOCKED = {
    "missing_scope": "the app may not look e-mails up: install it again with the scopes of slack-manifest.yml",
}
_GUEST = ("is_restricted", "is_ultra_restricted", "is_stranger")
_NOBODY = {"user_not_found", "user_not_visible", "users_not_found"}


class SlackDirectory:
    """The Directory port."""

    def __init__(self, chat: Chat, clock: Clock) -> None:
        self._chat = chat
        self._clock = clock
        self._known: dict[str, tuple[datetime, Person | None]] = {}
        self._asks_from = clock.now()

    async def find(self, mention: str) -> Person | None:
        """Find a person by id, mention, name or e-mail; None when the workspace has nobody like that."""
        mention = mention.strip()
        match = _MENTION.fullmatch(mention)
        try:
            if _MAIL.fullmatch(mention):
                return await self._by_mail(mention)
            return await (self._by_id(match[1] or match[3], _WITHIN_S) if match else self._by_name(mention))
        except ChatFailed:
            return _as_given(mention, match)

    async def with_mail(self, mail: str) -> Person | Missing:
        """Find the person who has an e-mail address; or say why nobody is given."""
        try:
            answer = await self._chat.call_within(_WITHIN_S, "users.lookupByEmail", email=mail)
        except ChatFailed as failure:
            if failure.code in _NOBODY:
                return Missing(f"nobody in this workspace has the e-mail {mail}")
            return Missing(_LOCKED.get(failure.code, f"Slack does not tell now who has the e-mail {mail}; try again"))
        user = answer["user"]
        if user.get("is_bot"):
            return Missing(f"{mail} is the e-mail of a bot")
        return _person(user) or Missing(f"the account with the e-mail {mail} is deactivated")

    async def member(self, user: str) -> Person | Missing | None:
        """Tell whether somebody is a full member now, as whom, or why not; None when Slack does not tell."""
        try:
            answer = await self._chat.call_within(_WITHIN_S, "users.info", user=user)
        except ChatFailed as failure:
            return Missing("Slack does not know you in this workspace.") if failure.code in _NOBODY else None
        return _standing(answer["user"])

    async def named(self, person: Person) -> Person:
        """Give a person the name that people know them by; as given when Slack does not tell it at once."""
        if not is_user(person.id) or self._clock.now() < self._asks_from:
            return person
        try:
            return await self._by_id(person.id, _AT_ONCE_S) or person
        except ChatFailed:
            self._asks_from = self._clock.now() + _REST  # a run must not be slower than Slack is down
            return person

    async def _by_id(self, user: str, seconds: float) -> Person | None:
        async def ask() -> Person | None:
            answer = await self._chat.call_within(seconds, "users.info", user=user)
            return _person(answer["user"])

        return await self._remembered(user, ask)

    async def _by_mail(self, mail: str) -> Person | None:
        async def ask() -> Person | None:
            answer = await self._chat.call_within(_WITHIN_S, "users.lookupByEmail", email=mail)
            return _person(answer["user"])

        return await self._remembered(mail, ask)

    async def _by_name(self, mention: str) -> Person | None:
        wanted = mention.lstrip("@").casefold()
        return await self._remembered(f"@{wanted}", partial(self._search, wanted))

    async def _remembered(self, key: str, ask: Callable[[], Awaitable[Person | None]]) -> Person | None:
        """Ask once in a while; that there is nobody is an answer too."""
        known = self._known.get(key)
        if known is not None and self._clock.now() < known[0] + _FRESH:
            return known[1]
        try:
            person = await ask()
        except ChatFailed as failure:
            if failure.code not in _NOBODY:
                raise
            person = None
        self._known[key] = (self._clock.now(), person)
        return person

    async def _search(self, wanted: str) -> Person | None:
        cursor = ""
        for _ in range(_PAGES):
            page = await self._chat.call_within(_WITHIN_S, "users.list", limit=500, cursor=cursor)
            found = next((user for user in page.get("members", ()) if wanted in _names(user)), None)
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if found is not None or not cursor:
                return _person(found) if found is not None else None
        return None


def _as_given(mention: str, match: re.Match[str] | None) -> Person:
    if match is None:
        return Person(mention, mention.lstrip("@"))
    user = match[1] or match[3]
    return Person(user, match[2] or user)


def _person(user: Json) -> Person | None:
    if user.get("deleted"):
        return None
    return Person(str(user["id"]), next(_shown_names(user), str(user["id"])))


def _standing(user: Json) -> Person | Missing:
    if user.get("is_bot"):
        return Missing("A bot does not sign in.")
    if any(user.get(flag) for flag in _GUEST):
        return Missing("You are a guest of this workspace: FirstFive's pages are for its members.")
    return _person(user) or Missing("Your account in this workspace is deactivated.")


def _shown_names(user: Json) -> Iterator[str]:
    profile: dict[str, Any] = user.get("profile") or {}
    for name in (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name")):
        if name:
            yield str(name)


def _names(user: Json) -> set[str]:
    return set() if user.get("deleted") else {name.casefold() for name in _shown_names(user)}
