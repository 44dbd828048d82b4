"""Pictures of what people see of the deploy gate and the build guard: allowed, denied, unread, overridden."""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser

from tests.cosigned import CYCLONEDX, DIGEST, Signer, cyclonedx
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.looks import Look, looks
from tests.stack import Stack, running_stack

TOKEN = "deploys-secret"
DIGEST_OF = ("[[digests]]", 'team = "shop"', 'cron = "0 9 * * *"', 'channel = "#general"')
CONFIG = ('announcements = "#announcements"', *DIGEST_OF)
SIGNER = Signer()
RULE = '{name = "log4j-core", below = "2.17.1", why = "CVE-2021-44228"}'
PARTS = [("redis", "9.0.1"), ("log4j-core", "2.14.1")]


async def asked(stack: Stack, release: str, *proofs: str, cut: bool = False) -> str:
    """Ask the gate; give the run that answered."""
    named = {"service": "checkout", "release": release, "commit": "a" * 40, "by": "Ada", "digest": DIGEST}
    body = json.dumps({**named, "proofs": "\n".join(proofs)})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{stack.bot.url}/gate", data=body[:-9] if cut else body) as answer,
    ):
        return str((await answer.json())["run"])


async def pages_of(stack: Stack) -> Mapping[str, str]:
    """Let all of it happen; give the pages that tell of it."""
    signed, listed = SIGNER.image(), SIGNER.attest(CYCLONEDX, cyclonedx())
    allowed = await asked(stack, "v1.12.2", signed, listed)
    await stack.type("/incident start sev3 checkout is slow since noon")
    await eventually(stack.incident_channels, 20)
    denied = await asked(stack, "v1.12.3", Signer().image(), SIGNER.attest(CYCLONEDX, cyclonedx(PARTS)))
    unread = await asked(stack, "v1.12.4", signed, cut=True)
    _, guarded, _ = await stack.run_cli("run", "guard", "service=checkout", "--json")
    await stack.type("/incident digest shop")
    await stack.type("/incident override checkout v1.12.3 the fix for INC-1, log4j is not reached", user=ADA)
    return {
        "service with deploys denied": "/services/checkout",
        "run of a gate that allowed": f"/runs/{allowed}",
        "run of a gate that denied": f"/runs/{denied}",
        "run of what was not read": f"/runs/{unread}",
        "run of a guard": f"/runs/{json.loads(guarded)['run']}",
        "approval of an override": f"/approvals/{await waiting(stack)}",
    }


async def waiting(stack: Stack) -> str:
    """Wait until an approval is asked for; give the run that does."""

    async def look() -> Any:
        return next(iter((await stack.get("/api/v1/approvals"))["items"]), None)

    return str((await eventually(look, 30))["run_id"])


async def shoot_gate(browser: Browser) -> None:
    """Take the pages, and the channels in which people hear of it."""
    with tempfile.TemporaryDirectory() as folder:
        people = ["[services.people]", f'approve = ["{ADA}", "{BEN}"]']
        gate = ["[services.gate]", f'keys = ["{SIGNER.public(Path(folder))}"]', f"forbidden = [{RULE}]"]
        service = [*people, *gate, "[services.guard]", 'env = "prod"']
        secrets = {"FIRSTFIVE_DEPLOYS_TOKEN": TOKEN}
        async with running_stack(Path(folder), config=CONFIG, service=service, secrets=secrets) as stack:
            await stack.slack.act("limits", on=False)
            pages = await pages_of(stack)
            (channel,) = await stack.incident_channels()
            channels = {"announcements": "announcements", "incident": channel["name"], "whoever asked": "general"}
            await asyncio.sleep(1)  # what is left for Slack to be told
            for look in await looks(browser):
                await shoot_look(look, stack, pages, channels)


async def shoot_look(look: Look, stack: Stack, pages: Mapping[str, str], channels: Mapping[str, str]) -> None:
    for page, path in pages.items():
        await look.open(f"{stack.bot.url}{path}", "main")
        await look.page.screenshot(path=look.file(f"page {page}"), full_page=True)
    for what, name in channels.items():
        await look.open(f"{stack.slack.url}#/ada/{name}", ".message")
        await look.page.screenshot(path=look.file(f"gate in slack, {what}"))
    await look.page.close()
