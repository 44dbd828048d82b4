"""Pictures of every kind of message, view and page, for eyes to judge: `make shots` writes them into ./shots.

`make shots ARGS="amounts house"` takes these parts only, and leaves the pictures of the others as they are.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright, expect

import playbooks
from bot.adapters.slack.gallery import Sample, gallery
from bot.domain.service import Catalog
from bot.engine.fields import questions
from bot.engine.playbook import load
from tests import amounts
from tests.browsing import HERE, looking_at
from tests.integration.emulator_process import ADA, BEN, BOT_TOKEN, CHEN, DANA, Emulator, eventually, running_emulator
from tests.lab import running_lab, turn_fault
from tests.looks import OUT, SCHEMES, WIDTHS, Look, looks
from tests.shots_of_gate import shoot_gate
from tests.stack import Stack, running_stack

LONG = ", long"
TALLEST = 8_000
"""Pixels of a page that are looked at: what follows is more of the same."""
NOBODY = "http://127.0.0.1:9/slack/events"
PROFILES_SHARED_S = 121
"""A diagnosis within two minutes of another one reads the same profiles."""
CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
DIAGNOSIS = {
    "diagnosis": "/incidents/INC-1",
    "target": "{target}",
    "flame": "{target}/flames/cpu",
    "flame against its baseline": "{target}/flames/cpu?against=baseline",
    "flame upwards": "{target}/flames/cpu?look=up",
    "flame inverted": "{target}/flames/cpu?look=inverted",
    "service with a baseline": "/services/checkout",
}
PAGES = {
    "incidents": "/",
    "incident": "/incidents/INC-1",
    "postmortem": "/incidents/INC-1/postmortem",
    "drills": "/drills",
    "services": "/services",
    "service": "/services/checkout",
    "settings": "/settings",
    "declare": "/declare",
    "a verb's form": "/incidents/INC-1/do/update",
    "approvals": "/approvals",
    "measures": "/measures",
    "audit log": "/audit",
    "postmortem history": "/incidents/INC-1/postmortem/history",
    "postmortem edit": "/incidents/INC-1/postmortem/edit/luck",
    "not found": "/nothing",
}


async def shoot_amounts(browser: Browser) -> None:
    """Take every page of houses that have nothing, one of everything in words of every shape, and a thousand."""
    for name, amount in (("none", amounts.none()), ("one", await amounts.one()), ("thousand", amounts.thousand())):
        for width, viewport in WIDTHS.items():
            for scheme in SCHEMES:
                options = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
                async with looking_at(browser, amount.app, **options) as page:
                    await shoot_pages(Look(f"{width}-{scheme}", page, is_first=False), name, amount.pages)
        async with looking_at(browser, amount.app, viewport=WIDTHS["phone"], color_scheme="dark") as page:
            await page.emulate_media(media="print")
            await shoot_pages(Look("printed", page, is_first=False), name, amount.pages)


async def shoot_pages(look: Look, name: str, pages: Mapping[str, str]) -> None:
    """Take pages as far down as somebody looks."""
    for what, path in pages.items():
        await look.open(f"{HERE}{path}", "main")
        size = await look.page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], TALLEST)}
        await look.page.screenshot(path=look.file(f"{name} {what}"), full_page=True, clip=clip)  # type: ignore[arg-type]


async def call(slack: Emulator, method: str, **args: Any) -> dict[str, Any]:
    """Call the local Slack as the bot would."""
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in args.items()}
    bearer = {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with slack.session.post(f"{slack.api_url}{method}", data=form, headers=bearer) as response:
        answer: dict[str, Any] = await response.json()
    assert answer["ok"], answer
    return answer


async def shoot_gallery(browser: Browser) -> None:
    """Take each message of the gallery by itself, and its Home tabs."""
    async with running_emulator(NOBODY, "--no-limits") as slack:
        channel = (await slack.act("channel", name="gallery", user=ADA))["channel"]
        samples = [one for one in gallery() if not one.name.startswith("announcement") or "new" in one.name]
        messages = {one.name: one for one in samples if one.kind == "message"}
        posted = {
            name: (await call(slack, "chat.postMessage", channel=channel, **one.body))["ts"]
            for name, one in messages.items()
        }
        for look in await looks(browser):
            await look.open(f"{slack.url}#/ada/gallery", "body.ready")
            await shoot_messages(look, {name: ts for name, ts in posted.items() if look.is_first or LONG not in name})
            await shoot_homes(slack, look, [one for one in samples if one.kind == "view"])
            await look.page.close()


async def shoot_messages(look: Look, posted: Mapping[str, str]) -> None:
    for name, ts in posted.items():
        await look.page.locator(f'.message[data-ts="{ts}"]').first.screenshot(path=look.file(name))


async def shoot_homes(slack: Emulator, look: Look, homes: list[Sample]) -> None:
    for user, name, sample in zip((ADA, BEN, CHEN, DANA), ("ada", "ben", "chen", "dana"), homes, strict=True):
        await call(slack, "views.publish", user_id=user, view=sample.body)
        await look.open(f"{slack.url}#/{name}/home", ".home")
        await look.page.screenshot(path=look.file(sample.name))


async def shoot_house(browser: Browser) -> None:
    """Take an incident as it comes: its channel, the verbs' forms, the bot's own pages."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_stack(Path(folder)) as stack:
            await stack.slack.act("limits", on=False)
            name = await incident(stack)
            for look in await looks(browser):
                await look.open(f"{stack.slack.url}#/ada/{name}", ".message")
                await look.page.screenshot(path=look.file("channel"))
                await shoot_forms(look)
                for page, path in PAGES.items():
                    await look.open(f"{stack.bot.url}{path}", "main")
                    await look.page.screenshot(path=look.file(f"page {page}"), full_page=True)
                await shoot_conflict(look, f"{stack.bot.url}{PAGES['postmortem edit']}")
                await look.page.close()


async def shoot_conflict(look: Look, form: str) -> None:
    """Take what somebody is shown who writes what another one has written meanwhile."""
    other = await look.page.context.new_page()
    for page in (look.page, other):
        await page.goto(form)
    for page, words in ((other, f"Somebody was awake. {look.name}"), (look.page, f"It was day. {look.name}")):
        await page.get_by_role("textbox").fill(words)
        await page.get_by_role("button", name="Save").click()
        await page.wait_for_load_state()
    await look.page.screenshot(path=look.file("page postmortem conflict"), full_page=True)
    await other.close()


async def shoot_diagnosis(browser: Browser) -> None:
    """Take what a diagnosis of a sick service leads to: a healthy time is known before the fault is switched on."""
    with tempfile.TemporaryDirectory() as folder, running_lab(targets=3, sick="none") as lab:
        async with running_stack(Path(folder), lab=lab) as stack:
            await stack.slack.act("limits", on=False)
            await stack.run_cli("run", "diagnose", "service=checkout", "--json")
            turn_fault(lab["targets"][1], "alloc-churn", on=True)
            await asyncio.sleep(PROFILES_SHARED_S)
            await stack.type("/incident start sev2 checkout 5xx after deploy")

            await eventually(stack.incident_channels, 20)

            async def verdict() -> Any:
                entries = await stack.listed("/api/v1/incidents/INC-1/entries")
                return next((each for each in entries if each["kind"] == "verdict"), None)

            found = await eventually(verdict, 60)
            target = f"/runs/{found['run_id']}/targets/checkout-2"
            for look in await looks(browser):
                for page, path in DIAGNOSIS.items():
                    await look.open(stack.bot.url + path.format(target=target), "main")
                    await look.page.screenshot(path=look.file(f"page {page}"), full_page=True)
                await look.page.close()


async def shoot_installation(browser: Browser) -> None:
    """Take what people see who let the app into a workspace, change their mind, or come by a way of their own."""
    secrets = {"SLACK_BOT_TOKEN": "", "SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "emulator-secret"}
    with tempfile.TemporaryDirectory() as folder:
        async with running_stack(Path(folder), emulator_options=["--second-team"], secrets=secrets) as stack:
            install = f"{stack.bot.url}/slack/install"
            for look in await looks(browser):
                for name, answer in (("cancelled", "Cancel"), ("done", "Allow")):
                    await look.open(install, "form")
                    await look.page.screenshot(path=look.file("page consent"))
                    await look.page.get_by_role("button", name=answer).click()
                    await look.page.wait_for_selector("main.narrow")
                    await look.page.screenshot(path=look.file(f"page install {name}"))
                for name, link in (("other browser", look.page.url), ("old link", f"{install}?link=old")):
                    await look.open(link, "main")
                    await look.page.screenshot(path=look.file(f"page install {name}"))
                await look.page.close()


async def incident(stack: Stack) -> str:
    """Open one with a bit of a history; give the name of its channel when all is shown there."""
    await stack.type("/incident start sev2 checkout answers 500 after the deploy")
    (channel,) = await eventually(stack.incident_channels, 20)
    for words in (
        "ack",
        "impact 1 in 5 checkouts fails",
        "note it began at noon",
        "update We roll back.",
        "postmortem",
    ):
        await stack.type(f"/incident {words}", channel=channel["name"])

    async def written() -> bool:
        return any(entry["kind"] == "postmortem" for entry in await stack.listed("/api/v1/incidents/INC-1/entries"))

    await eventually(written, 20)
    return str(channel["name"])


async def shoot_forms(look: Look) -> None:
    """Take the form of every verb that has one of its own."""
    for verb in load(playbooks).values():
        if verb.form and questions(verb, Catalog(), {}):
            await look.page.locator("#composer").fill(f"/incident {verb.name}")
            await look.page.keyboard.press("Enter")
            dialog = look.page.get_by_role("dialog")
            await expect(dialog).to_be_visible(timeout=10_000)
            await dialog.screenshot(path=look.file(f"form {verb.name}"))
            await dialog.get_by_role("button", name="Not now").click()
            await expect(dialog).to_be_hidden(timeout=10_000)


PARTS: Mapping[str, Callable[[Browser], Awaitable[None]]] = {
    "gallery": shoot_gallery,
    "amounts": shoot_amounts,
    "house": shoot_house,
    "diagnosis": shoot_diagnosis,
    "installation": shoot_installation,
    "gate": shoot_gate,
}


async def main(parts: Sequence[str]) -> None:
    """Take some of them, or all."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**CHROMIUM)  # type: ignore[arg-type]
        for part in parts or PARTS:
            await PARTS[part](browser)
        await browser.close()


if __name__ == "__main__":
    wanted = sys.argv[1:]
    if not wanted:
        shutil.rmtree(OUT, ignore_errors=True)
    asyncio.run(main(wanted))
    sys.stdout.write(f"{len(list(OUT.rglob('*.png')))} pictures are in {OUT.absolute()}\n")
