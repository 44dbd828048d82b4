"""Every verb as a person meets it, in a real browser: typed, asked for by a form, and once by keyboard alone."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, async_playwright, expect

import playbooks
from bot.engine.playbook import load
from tests.integration.emulator_process import eventually
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]
SOON_MS = 60_000
DIGEST = ["[[digests]]", 'team = "shop"', 'cron = "0 9 * * *"', 'channel = "#general"']


@dataclass(frozen=True)
class Typed:
    """A verb with its words, in the channel of an open incident, and what is answered."""

    words: str
    answer: str
    user: str = "ada"


TYPED = {
    "ack": Typed("", "acknowledged"),
    "action": Typed("write the runbook", "Action item 1 of INC-"),
    "alert": Typed("group=nothing", "There are no alerts of a group"),
    "anchor": Typed("", "Anchor |already"),
    "approve": Typed("", "Nothing waits for an approval"),
    "audit": Typed("metrics checkout", "There was nothing to audit: "),
    "author": Typed("", "No bisect of INC-[0-9]+ has named a culprit"),
    "bisect": Typed("checkout test=TestPay good=nowhere", "nowhere is no commit|has no repository"),
    "breach": Typed("checkout", "Nothing bad of the canary of checkout is known"),
    "break-glass": Typed("it burns", "Nothing waits for an approval"),
    "bundle": Typed("", "It is pushed nowhere"),
    "canary": Typed("checkout", "No canary is configured for checkout"),
    "cancel": Typed("a load test", "is called off"),
    "changes": Typed("checkout", "No target says which"),
    "close": Typed("", "is closed"),
    "deny": Typed("obstacle=malformed it is no JSON", "A deploy is denied: malformed: it is no JSON"),
    "deploy": Typed("checkout release=v2", "v2 by Ada.* was deployed at"),
    "diagnose": Typed("checkout", "is done: Nothing can be said"),
    "digest": Typed("shop", "Health of shop"),
    "doctor": Typed("", "Well: "),
    "drill": Typed("checkout goroutine-leak", "checkout is no lab"),
    "drilling": Typed("checkout", "checkout is no lab"),
    "dye": Typed("checkout", "How users reach checkout is not configured"),
    "empty": Typed("checkout", "no router is configured for checkout"),
    "freeze": Typed("checkout a migration", "Nobody may approve for checkout yet"),
    "guard": Typed("checkout", "the builds of 1 of 1 target are not what they should be"),
    "help": Typed("", "What fits now"),
    "gate": Typed(f"checkout release=v2 digest=sha256:{'a' * 64}", "v2.* is denied: no gate"),
    "impact": Typed("1 in 5 checkouts fails", "shows whom it hits"),
    "join": Typed("", "You take part in INC-", user="ben"),
    "list": Typed("", "INC-"),
    "merge": Typed("into INC-1", "is part of INC-1 now"),
    "milestone": Typed("acknowledged", "acknowledged at"),
    "mitigate": Typed("", "is mitigated"),
    "note": Typed("it is the cache", "Noted on INC-"),
    "oncall": Typed("", "On call by|Nobody is on call"),
    "override": Typed("checkout v2 it is the fix", "v2 of checkout is not denied|Nobody may approve"),
    "packets": Typed("checkout", "Nobody may approve for checkout yet"),
    "page": Typed("checkout you are needed", "Paged|Nobody is on call"),
    "paging": Typed("key=nothing", "No page of this incident"),
    "playbooks": Typed("", "They change something"),
    "postmortem": Typed("", "The postmortem of INC-"),
    "propose": Typed("group=nothing", "There are no alerts of a group"),
    "redact": Typed("entry=1 a name", "Waits for a second person"),
    "refuse": Typed("", "Nothing waits for an approval"),
    "remind": Typed("", "Reminded|No update on"),
    "reopen": Typed("it is back", "is open again"),
    "resolve": Typed("", "is resolved"),
    "restore": Typed("checkout", "nothing of checkout to take back"),
    "retention": Typed("", "Every word is kept"),
    "rollback": Typed("checkout it fails", "no router is configured for checkout"),
    "role": Typed("scribe", "is scribe of INC-"),
    "run": Typed("checkout flush", "has no action"),
    "service": Typed("checkout", "being captured|about checkout already"),
    "severity": Typed("sev4", "is SEV4 now"),
    "snapshot": Typed("checkout", "could be captured|was captured|is done"),
    "snooze": Typed("30m", "No reminders on INC-"),
    "sop": Typed("", "run already|On it"),
    "stalk": Typed("on shop", "only when something changed"),
    "standing": Typed("checkout on", "needs a router and a canary"),
    "start": Typed("sev4 another one", "is open: SEV4"),
    "status": Typed("", "Commander"),
    "watch": Typed("checkout", "has no canary and no router"),
    "thaw": Typed("checkout", "Nobody may approve for checkout yet"),
    "trace": Typed("4bf92f3577b34da6a3ce929d0e0e4736", "No store of log lines is configured"),
    "update": Typed("rolling back", "Update by"),
}


# Begun by what the chat tells, never by a person.
NOT_TYPED = {"pick", "presence"}
# Slack lets an app make 20 channels a minute: an incident of its own is for what ends one, needs one that has ended, or
# leaves something waiting for an approval.
ALONE = {"cancel", "close", "merge", "mitigate", "redact", "reopen", "resolve"}
RESOLVED = {"close", "reopen"}


@dataclass(frozen=True)
class Asked:
    """What is put into a verb's form, by label, and what is answered."""

    answer: str
    texts: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)


FORMS = {
    "break-glass": Asked("Nothing waits for an approval", {"Why can it not wait?": "it burns"}),
    "cancel": Asked("is called off", {"Why is it none?": "a load test"}),
    "impact": Asked("shows whom it hits", {"Who is hit, and how?": "everybody"}),
    "milestone": Asked("acknowledged at", {}, {"Milestone": "acknowledged"}),
    "note": Asked("Noted on INC-", {"Note": "it is the cache"}),
    "redact": Asked("Waits for a second person", {"Number of the entry": "1", "Why must its words go?": "a name"}),
    "role": Asked("is scribe of INC-", {}, {"Role": "scribe"}),
    "service": Asked("being captured|about checkout already", {}, {"Service": "checkout"}),
    "severity": Asked("is SEV4 now", {}, {"Severity": "SEV4"}),
    "start": Asked("is open: SEV3", {"What is wrong?": "another one"}, {"Severity": "SEV3"}),
    "update": Asked("Update by", {"Update": "rolling back"}),
}


@dataclass(frozen=True)
class Scene:
    """What runs, and a person's browser."""

    stack: Stack
    page: Page
    common: list[str]

    async def fitting(self, verb: str) -> str:
        """Give the channel of an incident that the verb is fit for: one of its own, or the common one."""
        if verb not in ALONE:
            return self.common[0]
        channel = await self.incident()
        if verb in RESOLVED:
            await self.stack.type("/incident resolve", channel=channel)
            incident_id = f"INC-{channel.split('-')[1]}"
            await eventually(lambda: self._is_resolved(incident_id))
        return channel

    async def _is_resolved(self, incident_id: str) -> bool:
        return bool((await self.stack.incident(incident_id))["status"] == "resolved")

    async def go(self, user: str, channel: str) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.stack.slack.url}#/{user}/{channel}")
        await self.page.wait_for_selector("body.ready")

    async def type(self, text: str) -> None:
        await self.page.locator("#composer").fill(text)
        await self.page.keyboard.press("Enter")

    async def tab_to_composer(self) -> None:
        """Get there as somebody without a mouse does."""
        passed: list[str] = []
        while "composer" not in passed[-1:] and len(passed) < 200:
            await self.page.keyboard.press("Tab")
            passed.append(await self.page.evaluate("document.activeElement?.id || document.activeElement?.textContent"))
        assert passed[-1] == "composer", passed[-20:]

    async def hears(self, words: str) -> None:
        await expect(self.page.get_by_role("log").first).to_contain_text(re.compile(words), timeout=SOON_MS)

    async def incident(self) -> str:
        """Open one; give the name of its channel when its card stands there."""
        known = {channel["name"] for channel in await self.stack.incident_channels()}
        await self.stack.type("/incident start sev3 something is slow")

        async def found() -> str:
            channels = await self.stack.incident_channels()
            return next((each["name"] for each in channels if each["pins"] and each["name"] not in known), "")

        return await eventually(found, 20)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("verbs")
    async with running_stack(folder, config=DIGEST) as stack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        made = Scene(stack, await browser.new_page(viewport={"width": 1440, "height": 1000}), [])
        made.common.append(await made.incident())
        yield made
        await browser.close()


async def test_no_verb_is_left_out() -> None:
    registry = load(playbooks)
    assert set(registry) - set(TYPED) <= NOT_TYPED
    assert set(TYPED) <= set(registry)
    needing = {verb for verb, each in registry.items() if each.form}
    assert set(FORMS) == needing


@pytest.mark.matrix(sample=5)
@pytest.mark.parametrize("verb", TYPED)
async def test_a_verb_is_typed(scene: Scene, verb: str) -> None:
    typed, channel = TYPED[verb], await scene.fitting(verb)
    outside = typed.user != "ada"
    await scene.go(typed.user, "general" if outside else channel)
    about = f"INC-{channel.split('-')[1]}" if outside else ""
    await scene.type(f"/incident {verb} {typed.words} {about}".strip())
    await scene.hears(typed.answer)


@pytest.mark.matrix(sample=3)
@pytest.mark.parametrize("verb", FORMS)
async def test_a_verb_asks_for_what_it_needs(scene: Scene, verb: str) -> None:
    asked = FORMS[verb]
    await scene.go("ada", await scene.fitting(verb))
    await scene.type(f"/incident {verb}")
    form = scene.page.get_by_role("dialog")
    await expect(form).to_be_visible(timeout=SOON_MS)
    for label, text in asked.texts.items():
        await _labelled(form, label).fill(text)
    for label, option in asked.choices.items():
        await _labelled(form, label).select_option(label=option)
    await form.locator("button[type=submit]").click()
    await expect(form).to_be_hidden(timeout=SOON_MS)
    await scene.hears(asked.answer)


async def test_a_wrong_time_is_said_under_its_field(scene: Scene) -> None:
    await scene.go("ada", scene.common[0])
    await scene.type("/incident milestone at=12:99")
    form = scene.page.get_by_role("dialog")
    await _labelled(form, "Milestone").select_option(label="mitigated")
    await form.locator("button[type=submit]").click()
    await expect(form.get_by_text("is not a time")).to_be_visible(timeout=SOON_MS)
    await expect(_labelled(form, "When was it?")).to_have_attribute("aria-invalid", "true", timeout=SOON_MS)
    await form.get_by_role("button", name="Not now").click()
    await expect(form).to_be_hidden(timeout=SOON_MS)


async def test_from_start_to_postmortem_by_keyboard_alone(scene: Scene) -> None:
    keyboard, heading = scene.page.keyboard, scene.page.get_by_role("heading", level=1)
    await scene.go("ada", "general")
    known = {channel["name"] for channel in await scene.stack.incident_channels()}
    await scene.tab_to_composer()
    await keyboard.type("/incident start")
    await keyboard.press("Enter")
    await expect(scene.page.get_by_label("What is wrong?")).to_be_focused(timeout=SOON_MS)
    await keyboard.type("by keyboard alone")
    await keyboard.press("Enter")

    async def opened() -> dict[str, Any]:
        channels = await scene.stack.incident_channels()
        return next((each for each in channels if each["name"] not in known and each["pins"]), {})

    name = (await eventually(opened, 20))["name"]
    await scene.go("ada", "general")
    for _ in range(40):
        if name in await heading.inner_text():
            break
        await keyboard.press("Alt+ArrowDown")
    await expect(heading).to_contain_text(name)
    for words, answer in (
        ("/incident ack", "You acknowledged"),
        ("/incident mitigate", "is mitigated"),
        ("/incident resolve rolled back", "is resolved"),
        ("/incident postmortem", "The postmortem of"),
    ):
        await scene.tab_to_composer()
        await keyboard.type(words)
        await keyboard.press("Enter")
        await scene.hears(answer)


def _labelled(form: Locator, label: str) -> Locator:
    return form.get_by_label(re.compile(f"^{re.escape(label)}")).first
