"""Looks whether Slack and the app there are as FirstFive needs them. It changes nothing and posts nothing."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.config import CONNECTIONS, SlackConfig
from bot.adapters.slack.manifest import COMMANDS, EVENTS, OF_SEVERAL, SCOPES, SHORTCUTS
from bot.adapters.slack.refusal import reason
from bot.domain.checks import Check, fail, ok, warn

Json = dict[str, Any]

_PATIENCE_S = 4
_PAGES = 10
_HELLO_S = 4.0
# A delivery is refused when its stamp is five minutes from our clock.
_SKEW_WARN_S, _SKEW_FAIL_S = 60, 240
_SECRET = re.compile(r"[0-9a-f]{32}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{5,20}")
_APPS = "api.slack.com/apps"
_REINSTALL = f"paste slack-manifest.yml at {_APPS}, App Manifest, and reinstall the app"
_MENDS = {
    "invalid_auth": f"set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-...) of {_APPS}, OAuth & Permissions",
    "account_inactive": f"reinstall the app: {_APPS}, Install App",
    "token_revoked": f"reinstall the app and set SLACK_BOT_TOKEN anew: {_APPS}, Install App",
    "unreachable": "check the network, a proxy, and SLACK_API_URL",
}


class Refused(Exception):
    """Slack refused a call, or was not reached; `code` is its word for it, `flaws` what it says more."""

    def __init__(self, code: str, flaws: Sequence[object] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.flaws = flaws


@dataclass(frozen=True)
class Desired:
    """What the configuration asks of Slack. `channels` are by name or id, each with the key that names it."""

    config: SlackConfig
    config_token: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)
    # Whether workspaces come and go by OAuth.
    several: bool = False


@dataclass(frozen=True)
class Line:
    """A way to call Slack."""

    client: AsyncWebClient
    session: aiohttp.ClientSession

    async def ask(self, method: str, token: str = "", **args: str) -> tuple[Json, Mapping[str, str]]:
        """Call a method, with another token than the bot's if one is given; give its answer and its headers."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await self.client.api_call(method, data=args, headers=bearer)
        except SlackApiError as error:
            told = error.response.data
            raise Refused(reason(error), told.get("errors") or () if isinstance(told, dict) else ()) from None
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Refused("unreachable") from None
        body: Any = answer.data
        return body, {name.lower(): value for name, value in answer.headers.items()}


async def checks(desired: Desired, now: datetime) -> list[Check]:
    """Look at the token, and with it at all the rest; what cannot be looked at is a warning."""
    config = desired.config
    if not config.bot_token:
        return [warn("slack", "not configured: SLACK_BOT_TOKEN is not set", "docs/slack.md says how")]
    async with connected(config) as line:
        try:
            me, headers = await line.ask("auth.test")
        except Refused as refused:
            mend = _MENDS.get(refused.code, _MENDS["invalid_auth"])
            return [fail("slack token", f"auth.test: {refused.code}", mend), signing(config)]
        found = [
            ok("slack token", f"{me.get('user')} in {me.get('team')} ({me.get('team_id')})"),
            scopes(headers.get("x-oauth-scopes")),
            skew(headers.get("date"), now),
            signing(config),
        ]
        rest = await asyncio.gather(_sockets(line, config), _drift(line, desired, me), _channels(line, desired))
        return [*found, rest[0], rest[1], *rest[2]]


@asynccontextmanager
async def connected(config: SlackConfig) -> AsyncIterator[Line]:
    """Give a way to call Slack, for as long as the block lasts."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE_S)) as session:
        client = AsyncWebClient(config.bot_token, base_url=config.api_url, session=session, retry_handlers=[])
        yield Line(client, session)


def scopes(granted: str | None) -> Check:
    """Compare what the token may do with what the manifest asks for."""
    if granted is None:
        return warn("slack scopes", "Slack did not say which ones the token has", "run this again")
    have = {scope.strip() for scope in granted.split(",")} - {""}
    if lacking := sorted(set(SCOPES) - have):
        why = "; ".join(f"{name} ({SCOPES[name]})" for name in lacking)
        return fail("slack scopes", f"the token lacks {why}", _REINSTALL)
    if more := sorted(have - set(SCOPES)):
        return warn("slack scopes", f"the token may do more than is needed: {', '.join(more)}", _REINSTALL)
    return ok("slack scopes", f"all {len(SCOPES)}")


def skew(date: str | None, now: datetime) -> Check:
    """Compare this machine's clock with Slack's, which stamps what it sends."""
    try:
        off = (now - parsedate_to_datetime(date or "")).total_seconds()
    except (ValueError, TypeError):
        return warn("clock", "Slack did not say what time it is", "run this again")
    said = f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Slack's"
    mend = "set this machine's clock: timedatectl set-ntp true"
    if abs(off) > _SKEW_FAIL_S:
        return fail("clock", f"{said}; from 300 s on every delivery is refused", mend)
    return warn("clock", said, mend) if abs(off) > _SKEW_WARN_S else ok("clock", said)


def signing(config: SlackConfig) -> Check:
    """Look whether deliveries over HTTP can be told from forged ones."""
    mend = f"set SLACK_SIGNING_SECRET to the Signing Secret of {_APPS}, Basic Information"
    if not config.signing_secret:
        said = "SLACK_SIGNING_SECRET is not set"
        if config.app_token:
            return ok("signing secret", f"{said}, which Socket Mode does without")
        return fail("signing secret", f"{said}: every delivery is refused", mend)
    if not _SECRET.fullmatch(config.signing_secret):
        return warn("signing secret", "does not look like one: 32 digits and letters a to f", mend)
    return ok("signing secret", "set")


async def _sockets(line: Line, config: SlackConfig) -> Check:
    """Open a connection of Socket Mode for as long as it takes Slack to say hello."""
    if not config.app_token:
        return ok("socket mode", "not used: Slack posts to the app's request URL")
    mend = (
        f"set SLACK_APP_TOKEN to an app-level token (xapp-...) with connections:write: {_APPS}, Basic Information; and "
        "turn Socket Mode on there"
    )
    try:
        opened, _ = await line.ask("apps.connections.open", token=config.app_token)
        async with asyncio.timeout(_HELLO_S), line.session.ws_connect(str(opened["url"])) as socket:
            hello = await socket.receive_json()
    except Refused as refused:
        return fail("socket mode", f"apps.connections.open: {refused.code}", mend)
    except (aiohttp.ClientError, TimeoutError, OSError, TypeError, ValueError) as error:
        return fail("socket mode", f"no connection: {type(error).__name__}", _MENDS["unreachable"])
    if hello.get("type") != "hello":
        return fail("socket mode", f"Slack says {hello.get('type')!r} instead of hello", mend)
    return held(int(hello.get("num_connections") or 1) - 1)


def held(connections: int) -> Check:
    """Tell over how many connections Slack reaches the bots that run, each of which wants two."""
    if not connections:
        return ok("socket mode", "connects; no bot holds a connection now")
    said = f"connects; the bots that run hold {connections} connection{'s' * (connections > 1)}"
    if connections % CONNECTIONS:
        mend = "a lost one is asked for again: look once more in a minute, then at the bot's log"
        return warn("socket mode", f"{said}, and each wants {CONNECTIONS}", mend)
    return ok("socket mode", said)


async def _drift(line: Line, desired: Desired, me: Json) -> Check:
    """Compare the app's settings with the manifest, with a token that may read them."""
    if not desired.config_token:
        mend = f"to check it, set SLACK_CONFIG_TOKEN: {_APPS}, Your App Configuration Tokens"
        return warn("slack manifest", "not checked: SLACK_CONFIG_TOKEN is not set", mend)
    try:
        bot, _ = await line.ask("bots.info", bot=str(me.get("bot_id", "")))
        app_id = str(bot["bot"]["app_id"])
        told, _ = await line.ask("apps.manifest.export", token=desired.config_token, app_id=app_id)
    except Refused as refused:
        mend = f"renew SLACK_CONFIG_TOKEN, which lives 12 hours: {_APPS}, Your App Configuration Tokens"
        return warn("slack manifest", f"not checked: {refused.code}", mend)
    return drift(told.get("manifest") or {}, sockets=bool(desired.config.app_token), several=desired.several)


def drift(manifest: Json, *, sockets: bool, several: bool = False) -> Check:
    """Say in what an exported manifest differs from ours; addresses are the installation's own.

    What only several workspaces need may be there or not where there is one.
    """
    spare = frozenset[str]() if several else OF_SEVERAL
    features, settings = manifest.get("features") or {}, manifest.get("settings") or {}
    events = settings.get("event_subscriptions") or {}
    oauth = (manifest.get("oauth_config") or {}).get("scopes") or {}
    pairs: list[tuple[str, Iterable[str], Iterable[str]]] = [
        ("command", {each.name for each in COMMANDS}, _values(features.get("slash_commands"), "command")),
        ("shortcut", {each.callback_id for each in SHORTCUTS}, _values(features.get("shortcuts"), "callback_id")),
        ("event", set(EVENTS) - spare, set(events.get("bot_events") or ()) - spare),
        ("scope", set(SCOPES), set(oauth.get("bot") or ())),
    ]
    lacking = [f"{what} {name}" for what, ours, theirs in pairs for name in sorted(set(ours) - set(theirs))]
    more = [f"{what} {name}" for what, ours, theirs in pairs for name in sorted(set(theirs) - set(ours))]
    if not (settings.get("interactivity") or {}).get("is_enabled"):
        lacking.append("interactivity")
    if sockets is not bool(settings.get("socket_mode_enabled")):
        (lacking if sockets else more).append("Socket Mode")
    if lacking:
        return fail("slack manifest", f"the app lacks {', '.join(lacking)}", _REINSTALL)
    if more:
        return warn("slack manifest", f"the app has more: {', '.join(more)}", _REINSTALL)
    return ok("slack manifest", "the app is as the manifest says")


def _values(rows: Any, key: str) -> set[str]:
    return {str(row.get(key)) for row in rows or ()}


async def _channels(line: Line, desired: Desired) -> list[Check]:
    """Look whether the configured channels are there and can be posted to."""
    if not desired.channels:
        return []
    try:
        known = await _listed(line)
    except Refused as refused:
        return [
            warn(f"channel {name}", f"not checked: conversations.list: {refused.code}", "mend the token first")
            for name in desired.channels
        ]
    return [channel(name, key, known) for name, key in desired.channels.items()]


async def _listed(line: Line) -> dict[str, Json]:
    """Give the channels that the bot can see, by name and by id."""
    found: dict[str, Json] = {}
    cursor = ""
    for _ in range(_PAGES):
        args = {"types": "public_channel,private_channel", "limit": "1000", **({"cursor": cursor} if cursor else {})}
        page, _headers = await line.ask("conversations.list", **args)
        for one in page.get("channels", ()):
            found |= {str(one.get("name")): one, str(one.get("id")): one}
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            break
    return found


def channel(name: str, key: str, known: Mapping[str, Json]) -> Check:
    """Say whether the bot can post to a channel that a key of the configuration names."""
    found = known.get(name if _CHANNEL_ID.fullmatch(name) else name.lstrip("#").lower())
    title = f"channel {name}"
    if found is None:
        return fail(title, "is not there, or is private", f"create it, /invite the bot, or correct `{key}`")
    if found.get("is_archived"):
        return fail(title, "is archived", f"unarchive it in Slack, or correct `{key}`")
    if found.get("is_private") and not found.get("is_member"):
        return fail(title, "is private and the bot is not in it", "/invite the bot there")
    return ok(title, f"for `{key}`")
