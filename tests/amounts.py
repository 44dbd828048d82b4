"""Houses that have nothing, one of everything with words of every shape, and a thousand of everything."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from fastapi import FastAPI
from pydantic import TypeAdapter

from bot.domain.deploys import Deploy, deploys_key
from bot.domain.run import Source
from bot.domain.scores import Score, write
from bot.domain.service import Catalog, Service, Target
from bot.domain.snapshot import Probe
from bot.domain.timeline import FIRSTFIVE, HOUSE, Author, Kind, Person, to_us
from bot.engine.admission import Command
from bot.engine.ports import Ports
from bot.main import create_app
from bot.settings import Settings
from tests.fakes import NOON, FakeLogs, FakeStore, FakeTargets, fake_ports
from tests.logstores.shop import TRACE, request, zap
from tests.unit.domain.captures import good_probe
from tests.unit.handlers.test_diagnoses import all_targets, house_with
from tests.unit.playbooks.desk import BEN, Desk
from tests.unit.web.story import ANA, Story, whole

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft-" * 2
HEBREW, ARABIC = "שלום עולם, החנות לא עונה", "مرحبا بالعالم"
MANY = 1_000
_FAULTS = ("goroutine-leak", "deadlock", "pool-exhaustion", "tls-chain", "gc-pressure", "")
_LISTED = {
    "incidents": "/", "drills": "/drills", "services": "/services", "settings": "/settings", "declare": "/declare",
    "approvals": "/approvals", "measures": "/measures?weeks=52", "audit log": "/audit",
    "incidents searched": "/?q=checkout&status=ongoing", "measures of a quarter": "/measures",
}  # fmt: skip
_OF_ONE = {
    "incident": "/incidents/INC-1", "timeline, everything": "/incidents/INC-1?show=everything",
    "postmortem": "/incidents/INC-1/postmortem", "postmortem history": "/incidents/INC-1/postmortem/history",
    "postmortem edit": "/incidents/INC-1/postmortem/edit/luck", "service": "/services/checkout",
    "a verb's form": "/incidents/INC-1/do/milestone?at=25:99",
}  # fmt: skip


@dataclass(frozen=True)
class Amount:
    """An application, and the pages of it that are worth a look."""

    app: FastAPI
    pages: Mapping[str, str]
    runs: Mapping[str, str] = field(default_factory=dict)


def none() -> Amount:
    """Give a house in which nothing has happened and nothing is configured."""
    return Amount(create_app(Settings(), tools=fake_ports()), {**_LISTED, "not found": "/nothing"})


async def one() -> Amount:
    """Give a house with one of everything: long words, and words from right to left."""
    house = house_with(*all_targets())
    odd = zap(95, ARABIC, "d" * 16, "e" * 16, LONG, level="error")
    house = Desk(replace(house.ports, logs=FakeLogs(*request(), odd, missing="2 of 5 shards did not answer")))
    await house.say(f"start sev2 checkout {HEBREW} {LONG}")
    await house.reach("decide")
    for words in (
        "ack",
        f"impact {LONG}",
        f"note {ARABIC}",
        "update We roll back.",
        f"action {LONG} due=2026-02-01",
        f"postmortem edit luck {LONG} {ARABIC}",
    ):
        await house.say(f"{words} incident=INC-1", BEN)
    run = await house.say("diagnose incident=INC-1")
    traced = await house.say(f"trace {TRACE} incident=INC-1")
    redact = Command("redact", {"entry": 1, "reason": LONG}, BEN, Source(via="test"), incident_id="INC-1")
    asking = (await house.admission.admit(redact)).run_id
    await house.work(lambda: bool(house.incident().waiting))
    target = f"/runs/{run.id}/targets/checkout-2"
    of_runs = {
        "run": f"/runs/{run.id}", "target": target, "flame": f"{target}/flames/cpu",
        "flame against another": f"{target}/flames/cpu?against=checkout-1", "approval": f"/approvals/{asking}",
        "trace": f"/runs/{traced.id}/trace",
    }  # fmt: skip
    app = create_app(Settings(), tools=house.ports)
    return Amount(app, {**_LISTED, **_OF_ONE, **of_runs}, {"run": run.id, "asking": asking, "traced": traced.id})


def thousand() -> Amount:
    """Give a house after years: a thousand of whatever there can be many of."""
    ports = _busy()
    now = ports.clock.now()
    assert isinstance(ports.store, FakeStore)
    chains, marks = ports.store.now.chains, ports.store.now.marks
    for story in (*_incidents(), *_drills()):
        chains[story.incident_id] = list(story.entries)
    chains["INC-1"] = list(_long().entries)
    chains[HOUSE] = list(_house().entries)
    deploys = tuple(
        Deploy("checkout", f"v1.{number}", now - timedelta(hours=number), "Ada", f"{number:040x}", "webhook")
        for number in range(1, 20)
    )
    marks[deploys_key("checkout")] = TypeAdapter(tuple[Deploy, ...]).dump_json(deploys).decode()
    paged = {
        "incidents, a page in the middle": "/?status=ended&before=500",
        "timeline, a page in the middle": "/incidents/INC-1?show=everything&page=5#timeline",
        "audit log of somebody": "/audit?who=Ben",
    }
    return Amount(create_app(Settings(), tools=ports), {**_LISTED, **_OF_ONE, **paged})


def _busy() -> Ports:
    """Give ports of a house with a thousand services, one with a thousand targets of which some are ill."""
    targets = tuple(Target(f"checkout-{n}", "checkout", "http://127.0.0.1:1", "https://shop.test") for n in range(MANY))
    others = (Service(f"service-{number:03}", ()) for number in range(MANY - 2))
    catalog = Catalog((Service("checkout", targets), Service(LONG[:60].lower(), ()), *others))
    probes = [good_probe(each.name, 3.0) for each in targets]
    probes[7] = Probe("checkout-7", 1, (("503", 1),), 4.0, 4.0)
    probes[8] = Probe("checkout-8", 1, (("no answer", 1),), error=f"https://{LONG} refused")
    return replace(fake_ports(catalog), targets=FakeTargets(tuple(probes), []))


def _incidents() -> Iterator[Story]:
    """Tell a thousand incidents, forty of them open, of every severity, some with words from right to left."""
    for number in range(2, MANY + 1):
        story = Story(f"INC-{number}")
        story.now = NOON - timedelta(hours=8 * (MANY - number) + 1)
        title = {0: f"{HEBREW} {number}", 1: f"{LONG} {number}"}.get(number % 10, f"checkout answers 5xx, {number}")
        service = "checkout" if number % 3 else f"service-{number % 998:03}"
        opened = {"title": title, "severity": f"SEV{1 + number % 4}", "service": service, "warnings": []}
        story.tell(Kind.OPENED, ANA, **opened)
        story.milestone("started", story.now - timedelta(minutes=3)).milestone("detected")
        story.later(20 + number % 90).milestone("acknowledged")
        story.tell(Kind.ROLE_SET, BEN, role="commander", person=BEN.id, name=f"{ARABIC} {number % 7}")
        fault = _FAULTS[number % len(_FAULTS)]
        story.tell(Kind.VERDICT, verdict=fault or None, statement="So it is.", target="checkout-1").milestone("located")
        if number % 25:
            story.later(600 + number).milestone("mitigated").later(900).milestone("resolved")
            story.tell(Kind.STATUS_SET, BEN, status="resolved", was="open", text="")
        yield story


def _drills() -> Iterator[Story]:
    """Tell as many drills."""
    for number in range(MANY + 1, 2 * MANY + 1):
        story = Story(f"INC-{number}")
        story.now = NOON - timedelta(hours=2 * (2 * MANY - number) + 1)
        opened = {"title": "DRILL: a fault on checkout", "severity": "SEV3", "service": "checkout", "warnings": []}
        story.tell(Kind.OPENED, ANA, **opened, drill=True)
        fault = _FAULTS[number % 5]
        ends = {"service": "checkout", "class": fault, "target": "", "size": "medium", "blind": False}
        story.tell(Kind.DRILL_STARTED, ANA, **ends, ends_at=to_us(story.now + timedelta(hours=1)))
        where = (fault, "checkout-3", "medium", "checkout")
        score = Score(*where, blind=bool(number % 2), began_us=to_us(story.now), how="mended", acked_by=ARABIC)
        score = replace(score, verdict_s=4.0 + number % 9, mitigated_s=60.0 + number, ack_s=9.0)
        body = {"real": True, "score": write(score), "before": {}, "how": "mended", "by": ""}
        story.tell(Kind.DRILL_ENDED, FIRSTFIVE, **body)
        yield story.tell(Kind.STATUS_SET, FIRSTFIVE, status="resolved", was="open", text="")


def _long() -> Story:
    """Tell one incident of which a thousand things are known."""
    story = whole()
    told = Story("INC-1")
    told.now = NOON - timedelta(hours=30)
    for entry in story.entries:
        told.later(5).author = Author(Person(entry.actor, entry.actor_name), entry.run_id)
        told.tell(Kind(entry.kind), **entry.facts)
    told.author = Author(ANA)
    for number in range(MANY):
        told.later(3)
        kind, body = (
            (Kind.NOTE, {"text": f"note {number} {HEBREW if number % 7 == 0 else 'of the error ratio'}"}),
            (Kind.ACTION, {"item": number // 5 + 1, "text": f"Do {LONG if number % 50 == 1 else 'what was left'}"}),
            (Kind.ARTIFACT, {"name": f"part-{number}.txt", "sha256": "0" * 64, "bytes": number * 1_000, "what": "it"}),
            (Kind.POSTMORTEM_TEXT, {"section": "luck", "text": f"It was day {number}."}),
            (Kind.APPROVAL_ASKED, _asked(number, told)),
        )[number % 5]
        told.tell(kind, ANA, **body)
    return told


def _asked(number: int, story: Story) -> dict[str, object]:
    return {
        "run": f"r{number:012x}", "playbook": "rollback", "params": {"service": "checkout"}, "steps": ["Roll back"],
        "measured": {"Measure both tracks": "The canary is worse."}, "plan": f"{number:064x}", "person": ANA.id,
        "name": ANA.name, "expires_at": to_us(story.now + timedelta(days=3)), "service": "checkout",
    }  # fmt: skip


def _house() -> Story:
    """Tell what is of no incident: a thousand freezes and sign-ins."""
    story = Story(HOUSE)
    story.now = NOON - timedelta(hours=40)
    for number in range(MANY):
        story.later(100)
        if number % 3:
            story.tell(Kind.SIGNED_IN, BEN, by="slack")
        else:
            story.tell(Kind.FROZEN if number % 2 else Kind.THAWED, ANA, service="checkout", reason=f"{HEBREW} {number}")
    return story
