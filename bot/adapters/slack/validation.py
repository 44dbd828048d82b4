"""Has Slack itself check what FirstFive shows, with blocks.validate, which posts nothing."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from bot.adapters.slack.blocks import Json
from bot.adapters.slack.checks import Line, Refused, connected
from bot.adapters.slack.config import SlackConfig
from bot.domain.checks import Check, fail, ok, warn

_AT_ONCE = 8
_NAME = "slack takes"
# What tells nothing about the sample.
_UNASKED = {
    "unreachable",
    "ratelimited",
    "unknown_method",
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "account_inactive",
}


async def validate(config: SlackConfig, samples: Mapping[str, Json]) -> list[Check]:
    """Ask about each sample, `{"message": ...}` or `{"view": ...}`; give a line for each that Slack refuses."""
    if not config.bot_token:
        return [warn(_NAME, "not checked: SLACK_BOT_TOKEN is not set", "docs/slack.md says how")]
    turns = asyncio.Semaphore(_AT_ONCE)
    async with connected(config) as line:
        refusals = await asyncio.gather(*(_ask(line, turns, sample) for sample in samples.values()))
    return verdict(dict(zip(samples, refusals, strict=True)))


async def _ask(line: Line, turns: asyncio.Semaphore, sample: Json) -> Refused | None:
    async with turns:
        try:
            await line.ask("blocks.validate", **{kind: json.dumps(body) for kind, body in sample.items()})
        except Refused as refused:
            return refused
    return None


def verdict(refusals: Mapping[str, Refused | None]) -> list[Check]:
    """Say which samples Slack refused and why; what it could not be asked is no refusal."""
    unasked = sorted({refused.code for refused in refusals.values() if refused and refused.code in _UNASKED})
    if unasked:
        return [
            warn(_NAME, f"not checked: blocks.validate: {', '.join(unasked)}", "mend the token, or try again later")
        ]
    mend = "this is a fault of FirstFive itself: report it"
    flawed = [
        fail(f"{_NAME} {name}", f"{refused.code}: {_shown(refused.flaws)}", mend)
        for name, refused in refusals.items()
        if refused
    ]
    return flawed or [ok(_NAME, f"all {len(refusals)} samples of what is shown")]


def _shown(flaws: Sequence[object]) -> str:
    told = [
        f"{flaw.get('pointer', '')} {flaw.get('message', flaw)}" if isinstance(flaw, dict) else str(flaw)
        for flaw in flaws
    ]
    return "; ".join(told)[:300] or "it does not say why"
