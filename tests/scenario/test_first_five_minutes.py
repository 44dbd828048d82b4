"""A person lives through an incident, in a real browser, on what `make demo` starts."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browsing import sign_in
from tests.scenario.demo import SOON_MS, Demo, running_demo, started_demo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.go,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    # Whoever types must be first: a canary that fails would open the incident by itself.
    async with running_demo(tmp_path_factory.mktemp("demo"), "--fault", "") as running:
        yield running


async def _ended(pids: list[int]) -> None:
    async with asyncio.timeout(10):
        while any(Path(f"/proc/{pid}").exists() for pid in pids):  # noqa: ASYNC110, ASYNC240 - other processes
            await asyncio.sleep(0.1)


def _descendants(pid: int) -> list[int]:
    """Give the processes that a process has started, and those that they have."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    children = [int(word) for word in listed.stdout.split()]
    return [*children, *(each for child in children for each in _descendants(child))]


async def test_1_a_command_opens_an_incident_with_its_card(demo: Demo) -> None:
    await demo.be("ada", "incidents")
    await demo.type("/incident start sev2 checkout 5xx after deploy")
    await demo.open_channel("^inc-1-")
    card = demo.pinned()
    for text in ("SEV2", "5xx after deploy", "open", "nobody yet", "checkout", "Five minutes end at"):
        await card.shows(text)
    for phase in ("Declare", "Capture", "Diagnose", "Decide", "Mitigate"):
        await card.shows(phase)
    await card.shows("goroutine-leak")
    await card.shows("checkout-3")
    # A canary that is well is looked at for 20 s.
    await demo.messages().show("press Mitigated when users are safe", 2 * SOON_MS)


async def test_1b_the_whole_card_fits_a_laptops_screen(demo: Demo) -> None:
    await demo.page.set_viewport_size({"width": 1366, "height": 768})
    region = demo.pinned().region
    hidden = await region.evaluate("region => region.scrollHeight - region.clientHeight")
    await demo.page.set_viewport_size({"width": 1440, "height": 1000})
    assert hidden <= 0


async def test_2_a_second_person_takes_command(demo: Demo) -> None:
    await demo.be("ben", "incidents")
    await demo.open_channel("^inc-1-")
    await demo.pinned().press("Acknowledge")
    await demo.pinned().shows(re.compile("Commander.*ben", re.IGNORECASE))


async def test_3_wrong_words_are_met_with_what_was_meant(demo: Demo) -> None:
    await demo.be("ada", "general")
    await demo.type("/incident strat sev2 checkout")
    await demo.messages().show("Did you mean")
    await demo.type("/incident severity sev9")
    await demo.messages().show("It is one of sev1, sev2, sev3, sev4")


async def test_4_outside_of_its_channel_a_verb_asks_which_incident(demo: Demo) -> None:
    await demo.be("ada", "general")
    await demo.type("/incident note tried to restart checkout-3")
    await demo.messages().show("Which incident is")
    await demo.messages().press(re.compile("INC-1"))
    await demo.messages().show("Noted on INC-1")


async def test_5_nothing_typed_opens_a_form_and_no_service_offers_them(demo: Demo) -> None:
    await demo.be("chen", "general")
    await demo.type("/incident start")
    form = demo.page.get_by_role("dialog")
    await form.get_by_label(re.compile("title|what", re.IGNORECASE)).first.fill("Something smells")
    await form.get_by_role("button", name=re.compile("^(start|open)", re.IGNORECASE)).click()
    await demo.open_channel("^inc-2-")
    await demo.pinned().shows("Something smells")
    await demo.pinned().press("checkout")
    await demo.pinned().shows(re.compile("Verdict|Nothing stands out"))


async def test_6_the_lab_can_be_made_worse_and_the_page_shows_it(demo: Demo) -> None:
    await demo.be("ada", "general")
    lab = demo.page.get_by_label("Lab", exact=True)
    target = lab.get_by_role("region", name="checkout-1")
    switch = target.get_by_role("switch", name=re.compile("500"))
    await switch.click()
    await expect(switch).to_be_checked()
    await switch.click()
    await expect(switch).not_to_be_checked()


async def test_7_the_incident_page_is_live(demo: Demo) -> None:
    page = await demo.page.context.new_page()
    await sign_in(page, demo.bot, onward="/incidents/INC-1")
    await expect(page.get_by_role("heading", name="5xx after deploy")).to_be_visible()
    await demo.be("ada", "incidents")
    await demo.open_channel("^inc-1-")
    await demo.type("/incident note the page shows this without a reload")
    await expect(page.locator("body")).to_contain_text("the page shows this without a reload", timeout=SOON_MS)
    await page.close()


async def test_7b_the_verdict_has_one_reply_with_its_picture(demo: Demo) -> None:
    await demo.be("ada", "incidents")
    await demo.open_channel("^inc-1-")
    await demo.page.get_by_role("button", name=re.compile(r"\d+ repl")).first.click()
    thread = demo.page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("img", name=re.compile("^goroutine-leak-checkout-3"))).to_have_count(1)
    await expect(thread.get_by_role("link", name="Open the diagnosis")).to_have_count(1)


async def test_7c_the_diagnosis_leads_to_a_target_and_its_flame_graphs(demo: Demo) -> None:
    page = await demo.page.context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{demo.bot}/incidents/INC-1")
    diagnosis = page.get_by_role("region", name="Diagnosis")
    await expect(diagnosis.get_by_role("img", name=re.compile("leaked"))).to_have_js_property("naturalWidth", 720)
    await diagnosis.get_by_role("table").get_by_role("link", name="checkout-3").click()
    groups = page.get_by_role("region", name="Goroutines").get_by_role("row")
    await expect(groups.filter(has_text="main.watchPrice").first).to_contain_text("leaked")
    await page.get_by_role("link", name="Goroutines").click()
    await expect(page.get_by_role("treeitem").first).to_contain_text("everything")
    await page.get_by_label("Find").fill("watchPrice")
    await expect(page.get_by_role("status")).to_have_text(re.compile(r"[1-9]\d* calls?, \d+(\.\d)? %"))
    await page.get_by_role("treeitem", name=re.compile("main.watchPrice")).first.click()
    await expect(page.get_by_role("treeitem", name=re.compile("main.watchStock"))).to_be_hidden()
    await page.get_by_role("button", name="Reset zoom").click()
    await expect(page.get_by_role("treeitem", name=re.compile("main.watchStock")).first).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Reset zoom")).to_be_hidden()
    await page.get_by_role("link", name="Callers at the bottom").click()
    await expect(page.locator("#flame > svg > svg").first).not_to_have_attribute("y", "0")
    await page.get_by_role("treeitem").first.focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()
    await page.get_by_role("link", name="Inverted").click()
    await expect(page.locator("main")).to_contain_text("on top is what costs by itself")
    await expect(page.get_by_role("region", name="In its own code")).to_contain_text("main.watchPrice")
    assert complaints == []
    await page.set_viewport_size({"width": 390, "height": 844})
    for address in (page.url, page.url.partition("/flames/")[0], f"{demo.bot}/incidents/INC-1"):
        await page.goto(address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.close()


async def test_8_mitigated_resolved_and_written_up(demo: Demo) -> None:
    await demo.be("ben", "incidents")
    await demo.open_channel("^inc-1-")
    await demo.pinned().press("Mitigated")
    await demo.pinned().shows(re.compile("Status.*mitigated", re.DOTALL))
    await demo.type("/incident milestone started at=00:00")
    await demo.messages().show("started at")
    await demo.type("/incident resolve rolled checkout-3 back to v1.4.0")
    await demo.pinned().shows(re.compile("Status.*resolved", re.DOTALL))
    await demo.type("/incident postmortem")
    await demo.messages().show("postmortem of INC-1")
    page = await demo.page.context.new_page()
    await page.goto(f"{demo.bot}/incidents/INC-1/postmortem")
    body = page.locator("body")
    for text in ("Summary", "Impact", "Timeline", "MTTR", "goroutine-leak", "rolled checkout-3 back", "Action items"):
        await expect(body).to_contain_text(text)
    evidence = page.get_by_role("link", name=re.compile(r"snapshot-checkout-.*\.tar\.gz")).first
    async with page.expect_download() as download:
        await evidence.click()
    archive = await (await download.value).path()
    assert archive.read_bytes().startswith(b"\x1f\x8b")
    first = await page.request.get(f"{demo.bot}/incidents/INC-1/postmortem.md")
    again = await page.request.get(f"{demo.bot}/incidents/INC-1/postmortem.md")
    assert await first.body() == await again.body()
    await page.close()


async def test_9_ctrl_c_leaves_nothing_running(demo: Demo) -> None:
    started = _descendants(demo.process.pid)
    assert len(started) >= 5
    demo.process.send_signal(signal.SIGINT)
    await demo.process.wait()
    await _ended(started)


async def test_a_part_that_is_killed_ends_the_demo_with_a_line_that_says_which(tmp_path: Path) -> None:
    process, _, _ = await started_demo(tmp_path)
    started = _descendants(process.pid)
    os.kill(int((tmp_path / "firstfive.db.lock").read_text()), signal.SIGKILL)
    _, err = await process.communicate()
    assert process.returncode == 1
    log = tmp_path / "bot.log"
    assert err.decode().splitlines()[-1] == (
        f"firstfive: The bot ended, so all of it was stopped: killed by SIGKILL; its log is {log}"
    )
    await _ended(started)


async def test_a_busy_port_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "demo", "--port", str(port), "--folder", str(tmp_path),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    server.close()
    assert process.returncode == 1
    assert err.decode() == (
        f"firstfive: Port {port} is taken. Stop what uses it, or choose others: make demo PORT={port + 100}\n"
    )
