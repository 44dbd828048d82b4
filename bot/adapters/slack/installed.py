"""Looks whether workspaces can install the app, and whether those that have are well."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.adapters.slack.checks import Refused, connected, scopes
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.workspaces import lost
from bot.domain.checks import Check, State, fail, ok, warn
from bot.ports import Installation

_SLACK = "https://slack.com/"


def oauth(client_id: str, client_secret: str, back: str, api_url: str) -> Check:
    """Look at what an installation needs; `back` is where Slack sends people back to."""
    name, where = "slack oauth", "api.slack.com/apps, Basic Information"
    if not client_id or not client_secret:
        lacks, has = ("CLIENT_SECRET", "CLIENT_ID") if client_id else ("CLIENT_ID", "CLIENT_SECRET")
        return fail(name, f"SLACK_{lacks} is not set, SLACK_{has} is", f"set both, from {where}; or none")
    if api_url.startswith(_SLACK) and not back.startswith("https://"):
        return fail(name, f"Slack sends nobody back to {back}", "set `url` to the bot's public https address")
    return ok(name, f"workspaces install the app; Slack sends people back to {back}")


async def workspaces(config: SlackConfig, given: Sequence[Installation]) -> list[Check]:
    """Look at every installation there has been."""
    if not given:
        return [warn("slack workspaces", "none has installed the app yet", "open /slack/install on the bot's machine")]
    return list(await asyncio.gather(*(_workspace(config, one) for one in given)))


async def _workspace(config: SlackConfig, given: Installation) -> Check:
    name, mend = (
        f"slack workspace {given.team_name}",
        "install the app there again: /slack/install on the bot's machine",
    )
    if not given.token:
        return warn(name, lost(given), f"{mend}, or delete its row of the table `installation`")
    async with connected(replace(config, bot_token=given.token)) as line:
        try:
            _, headers = await line.ask("auth.test")
        except Refused as refused:
            return fail(name, f"auth.test: {refused.code}", mend)
    granted = scopes(headers.get("x-oauth-scopes"))
    if granted.state is State.OK:
        return ok(name, f"{given.team}, token and scopes are well")
    return Check(name, granted.state, granted.said, mend)
