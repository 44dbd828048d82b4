"""Tokens: who holds which, what it may do, and how it was come by and lost."""

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.identifiers import secret
from bot.emulator.scopes import APP_SCOPE
from bot.emulator.settings import TOKEN_PREFIX, USER_TOKEN_PREFIX, Settings

CODE_LIFE_S = 600.0
TokenKind = Literal["bot", "user", "app", "config", "none"]


@dataclass(slots=True)
class Grant:
    """A token. `team` is empty for those of the app itself; `lost` is the error word a token without effect gets.

    `user` is who signed in with Slack, if it stands for somebody.
    """

    token: str
    kind: TokenKind
    scopes: frozenset[str]
    team: str = ""
    user: str = ""
    lost: str = ""


@dataclass(slots=True)
class _Code:
    team: str
    user: str
    scopes: frozenset[str]
    redirect_uri: str
    issued_at: float
    used: bool = False


class Grants:
    """Every token there is. The first workspace has the app installed from the start; others install it by OAuth."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._grants = [
            Grant(settings.bot_token, "bot", frozenset(settings.scopes), settings.team_id),
            Grant(settings.app_token, "app", frozenset({APP_SCOPE})),
            Grant(settings.config_token, "config", frozenset()),
        ]

    def holder(self, token: str) -> Grant:
        """Find what a token stands for, or refuse it like Slack."""
        if not token:
            raise SlackError("not_authed")
        for grant in self._grants:
            if secrets.compare_digest(grant.token.encode(), token.encode()):
                if grant.lost:
                    raise SlackError(grant.lost)
                return grant
        raise SlackError("invalid_auth")

    def of_team(self, team: str) -> Grant | None:
        """Return a workspace's installation, if the app is installed there."""
        return next((one for one in self._grants if one.kind == "bot" and one.team == team and not one.lost), None)

    def may(self, team: str, scope: str) -> bool:
        """Say whether the app has a scope in a workspace."""
        grant = self.of_team(team)
        return grant is not None and scope in grant.scopes

    def refused_request(self, wanted: Mapping[str, Any], scopes_there: Iterable[str]) -> str:
        """Say why nobody can be asked to let the app in, or return an empty string."""
        if wanted.get("client_id") != self._settings.client_id:
            return "invalid_client_id"
        scopes = asked_scopes(str(wanted.get("scope", "")))
        if not scopes or not scopes <= set(scopes_there):
            return "invalid_scope"
        allowed = self._settings.redirect_urls
        url = str(wanted.get("redirect_uri", ""))
        if not url.startswith(("http://", "https://")) or (allowed and not url.startswith(allowed)):
            return "bad_redirect_uri"
        return ""

    def code(self, team: str, user: str, scopes: str, redirect_uri: str) -> str:
        """Give out the code a person's consent is worth."""
        code = secret()
        self._codes[code] = _Code(team, user, asked_scopes(scopes), redirect_uri, self._clock.now())
        return code

    def exchange(self, client: tuple[str, str], code: str, redirect_uri: str) -> tuple[Grant, str]:
        """Turn a code into the workspace's token, once and within ten minutes; give also who consented."""
        self.check_client(client)
        found = self._codes.get(code)
        if found is None or self._clock.now() - found.issued_at > CODE_LIFE_S:
            raise SlackError("invalid_code")
        if found.used:
            raise SlackError("code_already_used")
        if redirect_uri and redirect_uri != found.redirect_uri:
            raise SlackError("bad_redirect_uri")
        found.used = True
        return self._installed(found), found.user

    def check_client(self, client: tuple[str, str]) -> None:
        """Refuse who does not know the app's id and secret."""
        if client[0] != self._settings.client_id:
            raise SlackError("invalid_client_id")
        if client[1] != self._settings.client_secret:
            raise SlackError("bad_client_secret")

    def sign_in(self, team: str, user: str, scopes: frozenset[str]) -> Grant:
        """Give out a token that stands for a person."""
        grant = Grant(f"{USER_TOKEN_PREFIX}{user}-{secret()}", "user", scopes, team, user)
        self._grants.append(grant)
        return grant

    def lose(self, team: str, why: str) -> None:
        """Take a workspace's token away: `token_revoked`, or `account_inactive` when the app was removed."""
        for grant in self._grants:
            if grant.team == team:
                grant.lost = why

    def _installed(self, code: _Code) -> Grant:
        grant = self.of_team(code.team)
        if grant is None:
            grant = Grant(f"{TOKEN_PREFIX}{code.team}-{secret()}", "bot", code.scopes, code.team)
            self._grants.append(grant)
        # Scopes add up until the app is removed.
        grant.scopes |= code.scopes
        return grant


def asked_scopes(scope: str) -> frozenset[str]:
    """Read the `scope` of an authorize request: with commas as Slack writes it, or with spaces as OAuth does."""
    return frozenset(scope.replace(",", " ").split())


def basic_client(authorization: str) -> tuple[str, str]:
    """Read client id and secret from a Basic Authorization header."""
    try:
        name, _, password = base64.b64decode(authorization.partition(" ")[2], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
