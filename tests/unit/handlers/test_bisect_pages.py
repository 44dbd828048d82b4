"""What the pages show of a bisect: where it stands, what it told, who did it, and the log to check it by."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.bisect.bisected import Asked, Bisected
from bot.domain.bisect.question import Kind as Answered
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import Kind
from bot.engine.tools import adapter_of
from tests.bisecting.entries import COMMIT, LOG, bisected, bisecting
from tests.fakes import FakeStore
from tests.unit.handlers.test_pages import browser, get
from tests.unit.web.story import ANA, OPENED_AT, Story, opened, ports_with

RUN = "r9"


def told(*facts: tuple[Kind, dict[str, object]]) -> Story:
    story = opened()
    with story.run(RUN):
        for kind, body in facts:
            story.tell(kind, ANA, **body)
    return story


async def test_while_it_goes_on_the_page_has_the_bar_and_the_timeline_leaves_it_out() -> None:
    text = await get("/incidents/INC-7", told((Kind.BISECTING, bisecting())))
    assert "Bisecting TestPay of ./payment: 12 of 200 commits left, 9 test runs in 41 s." in text
    assert "good <code>░░░····███</code> bad" in text
    assert "Last: 3f2a91c0ab bad" in text
    assert text.count("12 of 200 commits left") == 1


async def test_the_culprit_is_named_in_full_with_the_log_to_replay() -> None:
    text = await get("/incidents/INC-7", told((Kind.BISECTING, bisecting()), (Kind.BISECTED, bisected())))
    for words in (
        "Culprit 3f2a91c0ab by Ben Osei, 99.6 % sure: Shorten the timeout", f"<code>{COMMIT}</code>", "2026-03-01",
        "<code>payment/client.go</code>", f'href="/artifacts/{LOG}?name=bisect.log" download="bisect.log"',
        f'href="/runs/{RUN}"', "14 test runs (7 to search, 2 at the ends, 5 to prove it) in 48 s",
    ):  # fmt: skip
        assert words in text, words
    assert "ben@example.com" not in text


async def test_suspects_are_listed_and_what_is_left_out_is_counted() -> None:
    [made] = bisected()["made"]
    text = await get("/incidents/INC-7", told((Kind.BISECTED, bisected("suspects", made=[made] * 2, suspects=9))))
    assert text.count("Shorten the timeout <span") == 2
    assert "and 7 more, in the log" in text


async def test_a_run_that_broke_off_says_why() -> None:
    ended = {"playbook": "bisect", "status": "failed", "elapsed_s": 3.0, "reason": "The disk is full."}
    text = await get("/incidents/INC-7", told((Kind.BISECTING, bisecting()), (Kind.RUN_ENDED, ended)))
    assert '<p dir="auto">The disk is full.</p>' in text
    assert "░" not in text


async def test_what_its_steps_came_to_is_no_highlight_unless_one_failed() -> None:
    step = {"playbook": "bisect", "step": "search", "title": "Run the test", "elapsed_s": 3.0, "summary": "all of it"}
    done, failed = ((Kind.STEP_ENDED, {**step, "outcome": outcome}) for outcome in ("done", "failed"))
    assert "all of it" not in await get("/incidents/INC-7", told(done))
    assert "all of it" in await get("/incidents/INC-7?show=everything", told(done))
    assert "all of it" in await get("/incidents/INC-7", told(failed))


async def test_the_postmortem_names_the_culprit() -> None:
    text = await get("/incidents/INC-7/postmortem.md", told((Kind.BISECTED, bisected())))
    assert "Culprit 3f2a91c0ab by Ben Osei, 99.6 % sure: Shorten the timeout." in text.partition("## ")[2]


async def test_a_run_shows_what_it_told() -> None:
    asked = Asked("/srv/shop.git", "0" * 40, "f" * 40, "v1", "main", test="TestPay", package="payment")
    found = Bisected(Answered.CULPRIT, COMMIT, 0.996, 5, "Why it is so.", "", asked, 9, 3.0, "Ben", at=OPENED_AT)
    text = await _run_page(replace(found, log=LOG))
    assert "Culprit 3f2a91c0ab by Ben, 99.6 % sure" in text
    assert f'href="/artifacts/{LOG}?inline=1"' in text
    assert f'href="/runs/{RUN}"' not in text
    assert '<section class="card" id="bisect"' not in await _run_page(None)


async def _run_page(found: Bisected | None) -> str:
    ports = ports_with(opened())
    assert isinstance(ports.store, FakeStore)
    result = adapter_of(Bisected).dump_python(found, mode="json") if found else {"text": "another release's"}
    plan = Plan("bisect", {"test": "TestPay"}, ("ask", "search", "say"))
    run = Run(RUN, plan, ANA, Source(via="cli"), OPENED_AT, "s", status=RunStatus.DONE, result=result)
    ports.store.now.runs[RUN] = replace(run, ended_at=OPENED_AT + timedelta(seconds=3))
    async with browser(ports) as client:
        return (await client.get(f"/runs/{RUN}")).text
