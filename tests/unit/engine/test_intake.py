"""Alerts in: the incidents they should make and no more, and what their timelines are told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts import AlertRoute, Do, Sender, normalise
from bot.domain.incident import Severity, Status
from bot.domain.run import RunStatus
from bot.domain.timeline import HOUSE, Kind, from_us, to_us
from bot.engine.intake import AlertPolicy, Intake, Taken
from bot.ports import Posted
from tests.fakes import NOON, FakePoster
from tests.unit.alerts import Json, alert, delivery
from tests.unit.playbooks.desk import CATALOG, REGISTRY, Desk, desk

FLAP = timedelta(minutes=30)


class Floor:
    """A desk whose alerts come in, and whose worker does what they ask for."""

    def __init__(self, policy: AlertPolicy | None = None, **parts: Any) -> None:
        self.desk: Desk = desk(**parts)
        self.desk.later(1)
        self.intake = Intake(REGISTRY, self.desk.ports, policy or AlertPolicy(flap=FLAP), self._new_id)
        self._runs = 0

    def _new_id(self) -> str:
        self._runs += 1
        return f"a{self._runs}"

    async def take(self, *alerts: Json, sender: Sender = Sender.ALERTMANAGER, **more: Any) -> Taken:
        taken = await self.intake.take(normalise(delivery(*alerts, **more), sender), sender)
        await self.work()
        return taken

    async def work(self) -> None:
        """Do what is due; the SOP goes on for five minutes, so it is left alone."""
        await self.desk.work(lambda: not self._due())

    def _due(self) -> list[str]:
        now, state = self.desk.ports.clock.now(), self.desk.state
        due = self.desk.ports.journal.due(state, now, [RunStatus.QUEUED, RunStatus.RUNNING])
        return [run_id for run_id in due if ".sop" not in run_id]

    def later(self, delta: timedelta) -> None:
        self.desk.later(delta.total_seconds())

    @property
    def incidents(self) -> list[str]:
        return [name for name in self.desk.state.chains if name != HOUSE]

    def told(self, kind: Kind, incident_id: str = "INC-1") -> list[Json]:
        return [entry.facts for entry in self.desk.chain(incident_id) if entry.kind == kind]

    def proposals(self) -> list[str]:
        return [entry.facts["state"] for entry in self.desk.chain(HOUSE) if entry.kind == Kind.PROPOSED]


def resolved(**changes: Any) -> Json:
    return alert(status="resolved", **changes)


async def test_a_critical_alert_opens_an_incident_that_began_when_the_alert_did() -> None:
    floor = Floor()
    floor.later(timedelta(seconds=40))
    taken = await floor.take(alert())
    assert (taken.news, len(taken.runs), floor.incidents) == (1, 1, ["INC-1"])
    incident = floor.desk.incident()
    assert (incident.title, incident.service) == ("HighErrorRate: 5xx above 5 %", "checkout")
    assert incident.severity is Severity.SEV2
    assert incident.milestones["started"] == NOON
    assert incident.milestones["detected"] == floor.desk.ports.clock.now()
    assert incident.alerts == {floor.told(Kind.ALERT_FIRED)[0]["group"]: 1}
    assert incident.reporter.name == "Alertmanager"


async def test_the_same_delivery_again_changes_nothing() -> None:
    floor = Floor()
    for _ in range(4):
        last = await floor.take(alert(), alert(labels={"instance": "b"}))
    assert (last.news, last.known, last.runs, floor.incidents) == (0, 2, [], ["INC-1"])
    assert [told["count"] for told in floor.told(Kind.ALERT_FIRED)] == [2]


async def test_deliveries_at_the_same_moment_make_one_incident() -> None:
    floor = Floor()
    alerts = normalise(delivery(alert()), Sender.ALERTMANAGER)
    taken = [await floor.intake.take(alerts, Sender.ALERTMANAGER) for _ in range(4)]
    await floor.work()
    assert [each.news for each in taken] == [1, 0, 0, 0]
    assert floor.incidents == ["INC-1"]


async def test_a_resolved_alert_is_noted() -> None:
    floor = Floor()
    await floor.take(alert())
    floor.later(timedelta(minutes=5))
    await floor.take(resolved())
    assert [(told["count"], told["firing"]) for told in floor.told(Kind.ALERT_RESOLVED)] == [(1, 0)]
    assert floor.desk.incident().status is Status.OPEN
    assert set(floor.desk.incident().alerts.values()) == {0}


async def test_a_resolved_alert_that_nobody_heard_of_is_nothing() -> None:
    floor = Floor()
    taken = await floor.take(resolved())
    assert (taken.news, taken.runs, floor.desk.state.alert_groups) == (0, [], {})


async def test_an_old_firing_that_was_held_up_changes_nothing() -> None:
    floor = Floor()
    await floor.take(alert())
    await floor.take(resolved())
    assert (await floor.take(alert())).news == 0


async def test_a_storm_in_one_group_is_one_incident_with_few_entries() -> None:
    floor = Floor()
    alerts = [alert(labels={"instance": str(number)}) for number in range(200)]
    await floor.take(*alerts[:120])
    for number in range(120, 200, 20):
        await floor.take(*alerts[number : number + 20])
        floor.later(timedelta(seconds=1))
    floor.later(timedelta(minutes=1))
    await floor.work()
    told = floor.told(Kind.ALERT_FIRED)
    assert floor.incidents == ["INC-1"]
    assert sum(each["count"] for each in told) == 200
    assert told[-1]["firing"] == 200
    assert len(told) == 2
    assert "(and 119 more)" in floor.desk.incident().title


async def test_a_storm_of_groups_makes_few_incidents_and_loses_none() -> None:
    floor = Floor(AlertPolicy(flap=FLAP, most=3))
    for number in range(12):
        service = "payment" if number == 1 else "checkout"
        labels = {"instance": str(number), "service": service}
        await floor.take(alert(f"Alert{number}", labels=labels), group=f"g{number}")
    floor.later(timedelta(minutes=1))
    await floor.work()
    assert floor.incidents == ["INC-1", "INC-2", "INC-3"]
    counts = [sum(told["count"] for told in floor.told(Kind.ALERT_FIRED, each)) for each in floor.incidents]
    assert sum(counts) == 12
    assert counts[1] == 1
    await floor.take(resolved(name="Alert9", labels={"instance": "9"}), group="g9")
    floor.later(timedelta(minutes=15))
    await floor.work()
    assert [told["count"] for each in floor.incidents for told in floor.told(Kind.ALERT_RESOLVED, each)] == [1]


async def test_a_flapping_alert_stays_on_its_incident_and_its_timeline_grows_little() -> None:
    floor = Floor()
    await floor.take(alert())
    await floor.desk.say("mitigate INC-1")
    began = NOON
    for _ in range(20):
        floor.later(timedelta(minutes=1))
        await floor.take(resolved(starts_at=began))
        floor.later(timedelta(minutes=1))
        began = floor.desk.ports.clock.now()
        await floor.take(alert(starts_at=began))
    assert floor.incidents == ["INC-1"]
    entries = floor.told(Kind.ALERT_FIRED) + floor.told(Kind.ALERT_RESOLVED)
    assert sum(each["count"] for each in entries) > 30
    assert len(entries) <= 16


async def test_what_fires_after_a_time_of_quiet_is_a_new_incident() -> None:
    floor = Floor()
    await floor.take(alert())
    await floor.desk.say("mitigate INC-1")
    await floor.take(resolved())
    floor.later(FLAP)
    await floor.take(alert(starts_at=floor.desk.ports.clock.now()))
    assert floor.incidents == ["INC-1", "INC-2"]


async def test_an_incident_that_nobody_mitigated_takes_what_fires_again() -> None:
    floor = Floor()
    await floor.take(alert())
    await floor.take(resolved())
    floor.later(FLAP * 3)
    await floor.take(alert(starts_at=floor.desk.ports.clock.now()))
    assert floor.incidents == ["INC-1"]


async def over_and_firing_again() -> Floor:
    floor = Floor()
    await floor.take(alert())
    await floor.take(resolved())
    await floor.desk.say("resolve INC-1")
    floor.later(timedelta(minutes=5))
    await floor.take(alert(starts_at=floor.desk.ports.clock.now()))
    assert floor.incidents == ["INC-1"]
    return floor


async def test_what_fires_on_although_its_incident_is_over_gets_a_new_one() -> None:
    floor = await over_and_firing_again()
    began = floor.desk.ports.clock.now()
    floor.later(FLAP)
    await floor.work()
    assert floor.incidents == ["INC-1", "INC-2"]
    assert floor.desk.incident("INC-2").milestones["started"] == began
    assert floor.told(Kind.ALERT_FIRED, "INC-2")[0]["firing"] == 1


async def test_what_resolves_again_after_its_incident_is_over_gets_none() -> None:
    floor = await over_and_firing_again()
    floor.later(timedelta(minutes=1))
    await floor.take(resolved(starts_at=floor.desk.ports.clock.now()))
    floor.later(FLAP)
    await floor.work()
    assert floor.incidents == ["INC-1"]


WARNING = {"severity": "warning"}


async def test_a_warning_is_proposed_and_a_press_opens_it_once() -> None:
    floor = Floor()
    await floor.take(alert(labels=WARNING))
    assert (floor.incidents, floor.proposals()) == ([], ["proposed"])
    (group,) = floor.desk.state.alert_groups
    assert "is open" in await floor.desk.text(f"alert group={group}")
    await floor.work()
    assert await floor.desk.text(f"alert group={group}") == "INC-1 has these alerts already."
    assert (floor.incidents, floor.proposals()) == (["INC-1"], ["proposed", "opened"])
    assert floor.desk.incident().severity is Severity.SEV3
    assert floor.told(Kind.ALERT_FIRED)[0]["count"] == 1


async def test_a_proposal_is_one_message_and_goes_on_while_slack_is_away() -> None:
    poster = FakePoster(Posted(ok=False, reason="unreachable", again=True))
    floor = Floor(poster=poster, catalog=replace(CATALOG, announcements="#incidents"))
    await floor.take(alert(labels=WARNING))
    (group,) = floor.desk.state.alert_groups
    ((channel, text),) = poster.posts.values()
    assert channel == "#incidents"
    assert text.startswith("*Alertmanager proposes an incident:* SEV3 HighErrorRate: 5xx above 5 % on checkout")
    listed = await floor.desk.say("list")
    assert listed.result["choices"][0]["command"] == f"alert group={group}"
    await floor.desk.say(f"alert group={group}")
    await floor.work()
    ((_, text),) = poster.posts.values()
    assert text.startswith("*INC-1* was opened for what Alertmanager reported")


async def test_a_proposal_whose_alerts_resolve_is_withdrawn() -> None:
    floor = Floor()
    await floor.take(alert(labels=WARNING))
    floor.later(timedelta(minutes=1))
    await floor.take(resolved(labels=WARNING))
    assert floor.proposals() == ["proposed", "over"]


async def test_a_critical_alert_makes_an_incident_of_a_proposal() -> None:
    floor = Floor()
    await floor.take(alert(labels=WARNING))
    await floor.take(alert())
    assert floor.incidents == ["INC-1"]
    assert floor.desk.incident().severity is Severity.SEV2
    assert floor.told(Kind.ALERT_FIRED)[0]["count"] == 2


async def test_what_is_to_be_ignored_is_only_counted() -> None:
    floor = Floor(AlertPolicy((AlertRoute(do=Do.IGNORE),)))
    taken = await floor.take(alert())
    assert (taken.ignored, taken.news, floor.desk.state.alert_groups) == (1, 0, {})


async def test_an_alert_from_a_clock_that_is_ahead_began_no_later_than_we_heard_of_it() -> None:
    floor = Floor()
    await floor.take(alert(starts_at=NOON + timedelta(hours=1)))
    assert floor.desk.incident().milestones["started"] == floor.desk.ports.clock.now()


async def test_killed_between_opening_and_settling_it_goes_on_with_the_same_incident() -> None:
    floor = Floor()
    await floor.intake.take(normalise(delivery(alert()), Sender.ALERTMANAGER), Sender.ALERTMANAGER)
    await floor.desk.work(lambda: "INC-1" in floor.incidents)
    await floor.work()
    assert floor.incidents == ["INC-1"]
    milestones = [entry for entry in floor.told(Kind.MILESTONE) if entry["milestone"] == "started"]
    assert [from_us(each["at"]) for each in milestones] == [NOON]


@pytest.mark.parametrize("group", ["nothing", ""])
async def test_a_group_that_is_not_known_is_named(group: str) -> None:
    ended = await Floor().desk.run("alert", {"group": group})
    assert ended.status is RunStatus.FAILED
    assert "no alerts of a group" in ended.reason


async def test_an_opener_that_failed_does_not_keep_the_group_from_an_incident() -> None:
    floor = Floor()
    await floor.intake.take(normalise(delivery(alert()), Sender.ALERTMANAGER), Sender.ALERTMANAGER)
    state = floor.desk.state
    (group,) = state.alert_groups
    state.runs["a1"] = replace(state.runs["a1"], status=RunStatus.FAILED)
    state.alert_groups[group] = replace(state.alert_groups[group], opener="a1")
    assert "is open" in await floor.desk.text(f"alert group={group}")
    assert to_us(floor.desk.incident().milestones["started"]) == to_us(NOON)
