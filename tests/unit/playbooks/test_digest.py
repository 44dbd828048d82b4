"""The digest as the clock asks for it, and as a person does."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.fronts import Certificate, EdgeAnswer
from bot.domain.run import VIA_CLOCK, Missing, Run, RunStatus, Source
from bot.domain.service import Catalog, DigestPlan, Edge, Service, Target
from bot.domain.snapshot import GOROUTINE, Probe, captured
from bot.domain.timeline import FIRSTFIVE, HOUSE, Author, Draft, Kind
from bot.engine.admission import Command
from bot.ports import Posted, Sample
from tests.fakes import NOON, FakeFronts, FakeMetrics, FakePoster, FakeTargets
from tests.unit.domain import go_profiles
from tests.unit.playbooks.desk import ADA, TARGETS, Desk, desk

PROMETHEUS = "http://127.0.0.1:9090"
EDGE = Edge("https://shop.example.com/app.js", max_age_s=60)
CHECKOUT = Service(
    "checkout", TARGETS, prometheus=PROMETHEUS, error_query="errors", latency_query="latency", edges=(EDGE,)
)
SHOP = DigestPlan("shop", "0 9 * * *", "UTC", "#shop", ("checkout",))
STALK = DigestPlan("stalk", "* * * * *", "UTC", "#shop", (), stalk=True)
CATALOG = Catalog((CHECKOUT, Service("payment", ())), digests=(SHOP, STALK))
HEALTHY = [Probe(target.name, 3, (("200", 3),), 4.0, 6.0) for target in TARGETS]
SLOT = "digest:shop:abc:2026-03-01T09:00:00Z"


def counting(goroutines: int) -> list[Any]:
    content = go_profiles.profile(go_profiles.GOROUTINE, [([go_profiles.main_frame("work")], [goroutines])])
    return [captured(target.name, GOROUTINE, content, 0.01) for target in TARGETS]


def house(**parts: Any) -> Desk:
    return desk(
        **{
            "catalog": CATALOG,
            "targets": FakeTargets(HEALTHY, counting(40)),
            "metrics": FakeMetrics({"errors": 0.0, "latency": 0.01}),
            **parts,
        }
    )


async def clock(at: Desk, slot: str = SLOT, team: str = "shop") -> Run:
    """Let the clock ask for a slot."""
    command = Command("digest", {"team": team}, FIRSTFIVE, Source(via=VIA_CLOCK), slot=slot)
    run_id = (await at.admission.admit(command)).run_id
    await at.work(lambda: bool(at.state.runs[run_id].status.ended))
    run: Run = at.state.runs[run_id]
    assert run.status is RunStatus.DONE, run.reason
    return run


async def opened(at: Desk, severity: str, service: str, title: str, *, private: bool = False) -> None:
    """Open an incident without its five minutes."""
    body = {"title": title, "severity": severity.upper(), "service": service, "private": private}
    draft = Draft(Kind.OPENED, body)
    timeline, now = at.ports.timeline, at.ports.clock.now()
    await at.ports.store.write(lambda tx: timeline.open(tx, draft, Author(ADA), now))


def later(number: int, team: str = "shop") -> str:
    return f"digest:{team}:abc:2026-03-{number + 1:02}T09:00:00Z"


def posts(at: Desk) -> list[str]:
    assert isinstance(at.ports.poster, FakePoster)
    return [text for _, text in at.ports.poster.posts.values()]


def told(at: Desk) -> list[dict[str, Any]]:
    return [entry.facts for entry in at.chain(HOUSE) if entry.kind == Kind.DIGEST]


async def test_nothing_to_say_is_one_line_in_the_team_s_channel() -> None:
    at = house()
    await clock(at)
    assert at.ports.poster.posts == {  # type: ignore[attr-defined]
        SLOT: ("#shop", "*Health of shop*: nothing to say. 1 service, 3 targets, 3 of them probed: all well.")
    }
    assert told(at)[0]["slot"] == "2026-03-01T09:00:00Z"
    assert at.state.answers == {}
    assert {entry.kind for entry in at.chain(HOUSE)} == {Kind.DIGEST}


async def test_the_same_slot_twice_is_one_post() -> None:
    at = house()
    first, second = await clock(at), await clock(at)
    assert first.id == second.id
    assert len(posts(at)) == 1


async def test_everything_it_can_see_is_in_it_the_worst_first() -> None:
    ill = [Probe("checkout-2", 3, (("503", 3),), 4.0, 6.0), HEALTHY[0], HEALTHY[2]]
    at = house(
        targets=FakeTargets(ill, counting(40)),
        metrics=FakeMetrics({"errors": 0.07, "latency": 0.2}),
        fronts=FakeFronts(
            Certificate("checkout-1", NOON + timedelta(days=2)),
            edges={EDGE.url: [EdgeAnswer("192.0.2.1", 200, age_s=600.0)]},
        ),
    )
    await opened(at, "sev1", "checkout", "5xx")
    await clock(at)
    lines = posts(at)[0].splitlines()
    assert [line.removeprefix("• New: ")[:30] for line in lines[1:6]] == [
        "INC-1 SEV1 is open for 0 s: 5x",
        "checkout-2 answers 3 x 503 in ",
        "checkout: 7.0 % of requests fa",
        "checkout-1: its certificate ex",
        "https://shop.example.com/app.j",
    ]
    assert lines[0] == "*Health of shop*: 5 new"
    watched = "Looked at 1 service, 3 targets, 3 of them probed."
    assert lines[6] == f"1 incident in the last 24 h, 0 before. 1 of them not resolved. {watched}"


async def test_open_and_closed_incidents_are_told_apart() -> None:
    at = house()
    await opened(at, "sev2", "checkout", "slow")
    await opened(at, "sev3", "checkout", "gone")
    await opened(at, "sev3", "payment", "not ours")
    await at.say("resolve INC-2")
    at.later(3_600)
    await clock(at)
    assert "INC-1 SEV2 is open for 1 h: slow; nobody commands" in posts(at)[0]
    assert "INC-2" not in posts(at)[0]
    assert "INC-3" not in posts(at)[0]
    assert "2 incidents in the last 24 h" in posts(at)[0]


async def test_stalk_posts_when_something_changes_and_else_is_silent() -> None:
    at = house()
    targets = at.ports.targets
    assert isinstance(targets, FakeTargets)
    for minute, probe in enumerate((HEALTHY[0], HEALTHY[0], None, None, HEALTHY[0], HEALTHY[0])):
        targets.probes["checkout-1"] = probe or Probe("checkout-1", 3, (("503", 3),))
        await clock(at, later(minute, "stalk"), "stalk")
    assert [text.splitlines()[1] for text in posts(at)] == [
        "• New: checkout-1 answers 3 x 503",
        "• Over: checkout-1 answers well again",
    ]


async def test_healthy_digests_make_a_habit_and_what_is_beyond_it_is_told() -> None:
    at = house()
    for day in range(3):
        await clock(at, later(day))
    at.later(86_400)
    assert isinstance(at.ports.targets, FakeTargets)
    at.ports.targets.captures = counting(900)
    await clock(at, later(3))
    assert "• New: checkout-1: 900 goroutines, usually 40" in posts(at)[-1]
    found = (await at.say("diagnose checkout")).result["summary"]
    assert "checkout-1: goroutines 900, usually 40" in found


async def test_during_an_incident_nothing_is_learned() -> None:
    at = house()
    await opened(at, "sev2", "checkout", "leak")
    for day in range(4):
        await clock(at, later(day))
    assert "usual:checkout" not in at.state.marks


async def test_a_channel_that_cannot_be_posted_to_is_said_in_the_timeline_and_news_stays_news() -> None:
    refused = Posted(ok=False, reason="#shop: there is no such channel")
    at = house(poster=FakePoster(refused))
    await opened(at, "sev1", "checkout", "5xx")
    await clock(at)
    assert (told(at)[0]["posted"], told(at)[0]["reason"]) == ("", "#shop: there is no such channel")
    await clock(at, later(1))
    assert "• New: INC-1" in posts(at)[0]


async def test_while_slack_is_away_it_tries_until_the_digest_is_too_old() -> None:
    away = Posted(ok=False, reason="unreachable", again=True)
    at = house(poster=FakePoster(away, away, away))
    await clock(at)
    assert len(posts(at)) == 1
    gone = house(poster=FakePoster(*[away] * 500))
    await clock(gone)
    assert told(gone)[0]["reason"] == "unreachable"
    assert timedelta(minutes=60) <= gone.ports.clock.now() - NOON < timedelta(minutes=65)


async def test_metrics_that_do_not_answer_are_a_line_and_no_failure() -> None:
    at = house(metrics=FakeMetrics({"errors": Missing("connection refused"), "latency": 0.01}))
    await clock(at)
    assert "• New: checkout: no metrics: connection refused" in posts(at)[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("digest shop", "*Health of shop*: nothing to say."),
        ("digest SHOP", "*Health of shop*: nothing to say."),
        ("digest", "*Health of every service*: nothing to say. 2 services"),
        ("digest shoop", "No team `shoop` has a digest. Did you mean `shop`? Configured: shop, stalk."),
    ],
)
async def test_a_person_gets_it_as_an_answer_and_nothing_is_posted(words: str, said: str) -> None:
    at = house()
    assert (await at.text(words)).startswith(said)
    assert posts(at) == []
    assert told(at) == []


async def test_a_prometheus_that_knows_of_no_requests_is_said_and_not_taken_for_health() -> None:
    at = house(metrics=NoSamples())
    await clock(at)
    assert f"• New: checkout: no metrics: {PROMETHEUS} knows of no requests in the last 5 min" in posts(at)[0]


class NoSamples:
    async def ask(self, base: str, query: str) -> tuple[Sample, ...] | Missing:
        assert base
        assert query
        return ()


async def test_an_overdue_action_item_is_in_it_until_it_is_done() -> None:
    at = house()
    await opened(at, "sev3", "checkout", "5xx")
    await at.say("resolve INC-1")
    await at.say("action INC-1 add a timeout due=1d")
    await at.say("action INC-1 add a test due=9d")
    at.later(2 * 86_400)
    await clock(at)
    overdue = "INC-1's action item 1 is 1 day overdue (nobody owns it): add a timeout"
    assert f"• New: {overdue}" in posts(at)[0].splitlines()
    at.later(86_400)
    await clock(at, later(1))
    assert f"• Still: {overdue.replace('1 day ', '2 days ')}" in posts(at)[1].splitlines()
    await at.say("action done=1 incident=INC-1")
    await clock(at, later(2))
    assert "• Over: INC-1's action item 1 is not overdue any more: add a timeout" in posts(at)[2]
    assert "add a test" not in "".join(posts(at))


async def test_another_team_s_action_items_are_not_in_it() -> None:
    at = house()
    await opened(at, "sev3", "payment", "refunds")
    await at.say("resolve INC-1")
    await at.say("action INC-1 add a timeout due=1d")
    at.later(9 * 86_400)
    await clock(at)
    assert "action item" not in posts(at)[0]


class Crowd(FakeMetrics):
    """Counts who asks at the same time."""

    now = most = 0

    async def ask(self, base: str, query: str) -> tuple[Sample, ...] | Missing:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(3):
            await asyncio.sleep(0)
        self.now -= 1
        return await super().ask(base, query)


async def test_a_hundred_services_are_not_asked_for_all_at_once() -> None:
    crowd = Crowd({"errors": 0.0, "latency": 0.01})
    services = tuple(replace(CHECKOUT, name=f"service-{n}", targets=(), edges=()) for n in range(100))
    at = house(catalog=Catalog(services), metrics=crowd)
    assert "nothing to say" in await at.text("digest")
    assert crowd.most <= 40


def pictures(at: Desk) -> list[str]:
    assert isinstance(at.ports.poster, FakePoster)
    assert all(each.png.startswith(b"\x89PNG") for each in at.ports.poster.pictures.values())
    return [each.words for each in at.ports.poster.pictures.values()]


async def test_a_trend_is_drawn_of_the_incidents_and_of_what_is_ill() -> None:
    at = house(metrics=FakeMetrics({"errors": 0.07, "latency": 0.01}))
    for title in ("5xx", "slow"):
        await opened(at, "sev1", "checkout", title)
    await opened(at, "sev1", "payment", "not ours")
    await clock(at)
    (words,) = pictures(at)
    days, failed = words.split(". ")
    assert days == "incidents per day, 14 days: 2 at the end, 2 at most, from 02-16 to 03-01"
    assert failed == "checkout: failed, %: 7 at the end, 7 at most, from -24 h to now"


@pytest.mark.parametrize(
    ("private", "said", "hides"), [(True, "", True), (False, "", False), (False, "cancel no harm", True)]
)
async def test_what_the_words_do_not_count_is_not_drawn(said: str, *, private: bool, hides: bool) -> None:
    at = house(metrics=FakeMetrics({"errors": 0.07, "latency": 0.01}))
    for title in ("5xx", "slow"):
        await opened(at, "sev1", "checkout", title)
    await opened(at, "sev1", "checkout", "a leak", private=private)
    if said:
        await at.say(f"{said} incident=INC-3")
    await clock(at)
    number = 2 if hides else 3
    assert f"{number} incidents in the last 24 h" in posts(at)[0]
    assert pictures(at)[0].startswith(f"incidents per day, 14 days: {number} at the end, {number} at most, ")


async def test_nothing_is_drawn_when_nothing_is_to_be_said_or_seen() -> None:
    quiet = house()
    for title in ("5xx", "slow"):
        await opened(quiet, "sev1", "payment", title)
    await clock(quiet)
    one = house()
    await opened(one, "sev1", "checkout", "5xx")
    await clock(one)
    away = house(metrics=Forgetful({"errors": 0.07, "latency": 0.01}))
    await clock(away)
    assert "7.0 % of requests fail" in posts(away)[0]
    assert [pictures(each) for each in (quiet, one, away)] == [[], [], []]


class Forgetful(FakeMetrics):
    """Knows what is, not what was."""

    async def history(
        self, base: str, query: str, until: datetime, length: timedelta, step: timedelta
    ) -> tuple[float | None, ...] | Missing:
        return Missing(f"{base} forgot {query} of {length}, {step}, {until}")


class Hasty(FakeTargets):
    """Is not heard in time when it is asked for the first time."""

    def __init__(self, times: int) -> None:
        super().__init__(HEALTHY, counting(40))
        self.left = times

    async def probe(self, target: Target, requests: int = 5) -> Probe:
        if target is TARGETS[1] and self.left:
            self.left -= 1
            return Probe(target.name, 3, (("timeout", 3),), 0.0, 0.0)
        return await super().probe(target, requests)


@pytest.mark.parametrize(
    ("times", "said"), [(1, "nothing to say"), (2, "• New: checkout-2 gives no answer (3 x timeout)")]
)
async def test_who_gives_no_answer_is_asked_once_more_before_it_is_told(times: int, said: str) -> None:
    at = house(targets=Hasty(times))
    await clock(at)
    assert said in posts(at)[0]


async def test_a_person_can_switch_stalking_on_and_off() -> None:
    at = house()
    assert await at.text("stalk shop") == "The digest of shop is posted every time."
    await clock(at)
    await at.say("stalk on shop")
    assert await at.text("stalk shop") == "The digest of shop is posted only when something changed."
    await clock(at, later(1))
    assert len(posts(at)) == 1
    await at.say("stalk off team=shop")
    await clock(at, later(2))
    assert len(posts(at)) == 2
    assert await at.text("stalk on") == "Of which team? Configured: shop, stalk."
