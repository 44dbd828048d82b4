"""An incident as it is really recorded, entry by entry, for whoever has to show one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from bot.domain.incident import Incident, fold
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind, Person, link, to_us
from bot.engine.ports import Ports
from tests.fakes import FakeClock, FakeStore, fake_ports

ANA = Person("U01ANA", "Ana Lima")
BEN = Person("U02BEN", "Ben Okafor")
MEI = Person("U03MEI", "Mei Tanaka")

OPENED_AT = datetime(2026, 11, 22, 3, 1, 12, 250_000, tzinfo=UTC)
ARCHIVE, REPORT, LEAK = (sha256(word).hexdigest() for word in (b"archive", b"report", b"leak"))

_ANYBODY = Author(ANA)

STATEMENT = (
    "checkout-3 leaks goroutines: 10,402 of 10,431 can never be woken, and its probe takes 1.9 s while the other "
    "two targets answer in 12 ms."
)


@dataclass
class Story:
    """A timeline being told."""

    incident_id: str = "INC-7"
    now: datetime = OPENED_AT
    entries: list[Entry] = field(default_factory=list)
    author: Author = _ANYBODY

    def later(self, seconds: float) -> "Story":
        self.now += timedelta(seconds=seconds)
        return self

    def tell(self, kind: Kind, by: Person | None = None, /, **body: Any) -> "Story":
        last = self.entries[-1] if self.entries else None
        author = replace(self.author, person=by) if by else self.author
        self.entries.append(link(self.incident_id, last, Draft(kind, body), author, self.now))
        return self

    @contextmanager
    def run(self, run_id: str, person: Person = ANA) -> Iterator[None]:
        """Tell what follows as a run's doing."""
        before, self.author = self.author, Author(person, run_id)
        yield
        self.author = before

    def milestone(self, which: str, at: datetime | None = None, source: str = "") -> "Story":
        return self.tell(Kind.MILESTONE, milestone=which, at=to_us(at or self.now), source=source)

    def phase(self, step: str, budget: float, took: float, summary: str, outcome: str = "done") -> "Story":
        body = {"playbook": "sop", "step": step, "title": step.capitalize()}
        self.tell(Kind.STEP_STARTED, **body, budget_s=budget).later(took)
        return self.tell(Kind.STEP_ENDED, **body, elapsed_s=took, outcome=outcome, summary=summary)

    def blank(self, seq: int) -> "Story":
        self.entries[seq - 1] = replace(self.entries[seq - 1], body=None)
        return self

    @property
    def incident(self) -> Incident:
        return fold(self.entries)


def opened(
    title: str = "checkout 5xx after deploy", severity: str = "SEV2", service: str = "checkout", name: str = "INC-7"
) -> Story:
    """An incident that has just been opened."""
    story = Story(name)
    with story.run("run-start"):
        story.tell(Kind.OPENED, title=title, text="", severity=severity, service=service, warnings=[])
        story.milestone("started", OPENED_AT - timedelta(minutes=3, seconds=12), "given at start")
        story.milestone("detected", source="incident start")
    return story.later(0.4).tell(Kind.CHANNEL_OPENED, FIRSTFIVE, channel="C0INC7", name="inc-7-checkout-5xx")


def declared(story: Story) -> Story:
    """Its five minutes have begun, and what changed is known."""
    with story.run("run-start.sop"):
        story.tell(Kind.RUN_STARTED, playbook="sop", params={})
        story.phase("declare", 30, 1.2, "Reported by Ana Lima. 20 of 60 answers failed; checkout-3 runs 4f2e91c alone.")
    return story


def captured(story: Story) -> Story:
    """A snapshot was taken, and somebody has come."""
    with story.run("run-start.sop.snapshot"):
        story.tell(Kind.RUN_STARTED, playbook="snapshot", params={"service": "checkout"})
    with story.run("run-start.sop"):
        started = {"playbook": "sop", "step": "capture", "title": "Capture"}
        story.tell(Kind.STEP_STARTED, **started, budget_s=88.8)
    with story.run("run-ack", BEN):
        story.later(1.1).milestone("acknowledged", source=BEN.name)
        story.tell(Kind.ROLE_SET, role="commander", person=BEN.id, name=BEN.name)
    summary = "3 targets captured, 33 parts, 3104 KiB"
    with story.run("run-start.sop.snapshot"):
        name = "snapshot-checkout-20261122T030114Z.tar.gz"
        story.later(1.3).tell(Kind.ARTIFACT, name=name, sha256=ARCHIVE, bytes=3_178_500, what=summary, losses=[])
        story.tell(Kind.RUN_ENDED, playbook="snapshot", status="done", elapsed_s=2.412, reason="")
    with story.run("run-start.sop"):
        story.tell(Kind.STEP_ENDED, **started, outcome="done", elapsed_s=2.418, summary=summary)
    return story


def diagnosed(story: Story) -> Story:
    """The fault has a name."""
    with story.run("run-start.sop.diagnose"):
        story.later(0.3).tell(
            Kind.FINDING,
            fault_class="goroutine-leak",
            target="checkout-3",
            claim="10402 of 10431 goroutines are leaked: nothing can wake them any more.",
            evidence=[
                {
                    "what": "goroutines proven leaked",
                    "value": "10402",
                    "artifact": "checkout-3/goroutineleak.pb.gz",
                    "sha256": LEAK,
                },
                {
                    "what": "chan send at main.(*watcher).publish",
                    "value": "10402",
                    "artifact": "checkout-3/goroutineleak.pb.gz",
                    "sha256": LEAK,
                },
                {"what": "goroutines", "value": "10431", "artifact": "", "sha256": ARCHIVE},
            ],
            fix="End the goroutine that waits at main.(*watcher).publish (started by main.watch): give it a context.",
            artifact=ARCHIVE,
        )
        story.tell(
            Kind.VERDICT, verdict="goroutine-leak", statement=STATEMENT, artifact=REPORT, name="diagnosis-checkout.json"
        )
        story.milestone("located", source="verdict")
    with story.run("run-start.sop"):
        story.phase("diagnose", 117, 0.5, f"*goroutine-leak*. {STATEMENT}")
        story.phase("decide", 146, 0.1, "No canary is configured for checkout.")
    return story


def waiting(story: Story) -> Story:
    """Everything is known, and nobody has mitigated yet."""
    with story.run("run-start.sop"):
        story.tell(Kind.STEP_STARTED, playbook="sop", step="mitigate", title="Mitigate", budget_s=295.9)
        story.tell(Kind.ASKED, person=BEN.id, text="Roll back, restart or divert, then press Mitigated.")
    with story.run("run-note", MEI):
        story.later(40).tell(Kind.NOTE, text="Deploy 4f2e91c went to checkout-3 only, at 02:55.")
    with story.run("run-update", BEN):
        story.later(22).tell(Kind.UPDATE, text="A third of checkouts fails. We are rolling checkout-3 back.")
    return story


def ended(story: Story) -> Story:
    """Mitigated, checked, resolved, written up."""
    with story.run("run-mitigate", BEN):
        story.later(95).tell(Kind.STATUS_SET, status="mitigated", was="open", text="checkout-3 is back on 91ad02f")
        story.milestone("mitigated", source=BEN.name)
    with story.run("run-start.sop"):
        body = {"playbook": "sop", "step": "mitigate", "title": "Mitigate"}
        story.tell(Kind.STEP_ENDED, **body, outcome="done", elapsed_s=157.2, summary="Ben Okafor says users are safe")
        story.tell(Kind.RUN_ENDED, playbook="sop", status="done", elapsed_s=165.0, reason="")
    story.later(3).tell(Kind.CHAT_FAILED, FIRSTFIVE, surface="the card", reason="ratelimited")
    with story.run("run-resolve", BEN):
        story.later(1_080).tell(Kind.STATUS_SET, status="resolved", was="mitigated", text="Fix 77c0de1 is out.")
        story.milestone("resolved", source=BEN.name)
    return story


def whole() -> Story:
    """An incident from its opening to its end."""
    return ended(waiting(diagnosed(captured(declared(opened())))))


def ports_with(*stories: Story) -> Ports:
    """Give fake ports whose timelines tell these stories."""
    ports = fake_ports()
    assert isinstance(ports.store, FakeStore)
    assert isinstance(ports.clock, FakeClock)
    for story in stories:
        ports.store.now.chains[story.incident_id] = list(story.entries)
    ports.clock.at = max((story.now for story in stories), default=OPENED_AT)
    return ports
