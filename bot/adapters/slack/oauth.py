"""Turns the code that a consent is worth into an installation: docs.slack.dev/authentication/installing-with-oauth."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bot.adapters.slack.checks import Line, Refused, connected
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.manifest import SCOPES
from bot.domain.errors import ChatFailed
from bot.ports import Clock, Installation


class Door:
    """The app's way into workspaces. `back` is where Slack sends people back to, as the app's settings name it."""

    def __init__(self, config: SlackConfig, clock: Clock, client_id: str, client_secret: str, back: str) -> None:
        self._config = config
        self._clock = clock
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._back = back

    def address(self, state: str) -> str:
        """Give the address of the page on which a person consents."""
        site = self._config.api_url.rstrip("/").removesuffix("/api")
        asked = {"client_id": self._client["client_id"], "scope": ",".join(SCOPES), "redirect_uri": self._back}
        # slack_sdk's AuthorizeUrlGenerator escapes nothing.
        return f"{site}/oauth/v2/authorize?{urlencode({**asked, 'state': state})}"

    async def exchange(self, code: str) -> Installation:
        """Give what the workspace gave. Who the bot is there is asked now, so that nobody has to ask later.

        :raises ChatFailed: Slack refused, was not reached, or gave what cannot be used.
        """
        async with connected(self._config) as line:
            try:
                given, _ = await line.ask("oauth.v2.access", code=code, redirect_uri=self._back, **self._client)
                return await self._known(line, given)
            except Refused as refused:
                raise ChatFailed(refused.code, retryable=refused.code == "unreachable") from None

    async def _known(self, line: Line, given: Mapping[str, Any]) -> Installation:
        token, team = str(given.get("access_token") or ""), given.get("team") or {}
        if given.get("is_enterprise_install") or not team.get("id"):
            raise ChatFailed("org_install")
        if given.get("token_type") != "bot" or not token:
            raise ChatFailed("no_bot_token")
        me, _ = await line.ask("auth.test", token=token)
        return Installation(
            team=str(team["id"]),
            team_name=str(me.get("team") or team.get("name") or team["id"]),
            bot_user=str(me.get("user_id") or given.get("bot_user_id") or ""),
            bot_id=str(me.get("bot_id") or ""),
            token=token,
            scopes=tuple(sorted(str(given.get("scope") or "").split(","))),
            installed_by=str((given.get("authed_user") or {}).get("id") or ""),
            installed_at=self._clock.now(),
        )
