"""The world that every history begins in: what is watched, who is there, what has happened so far."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.authority import Frozen, People
from bot.domain.canary import CanaryPlan
from bot.domain.configured_actions import ConfiguredAction
from bot.domain.deploys import Deploy, deploys_key
from bot.domain.discovery import DiscoveryPlan
from bot.domain.dyeing import Front
from bot.domain.gate.evidence import Objection, Obstacle
from bot.domain.gate.policy import GatePolicy
from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.messages import ChatFile, ChatMessage
from bot.domain.packets import PCAP_HEAD
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.service import Catalog, DigestPlan, Link, Service, Target
from bot.domain.sightings import Discovered
from bot.domain.snapshot import SECOND, Captured, Part, Probe, captured
from bot.domain.timeline import Author, Draft, Kind, Person, to_us
from bot.domain.traffic import CLOSED, Change, Route, Split, change_key
from bot.engine.authority import FROZEN, frozen_key
from bot.engine.deploys import Deploys
from bot.engine.ports import Ports
from bot.engine.tools import adapter_of
from bot.engine.tracks import Kept, watch_key
from bot.ports import Tx
from tests.bisecting.entries import bisected
from tests.cosigned import DIGEST
from tests.fakes import NOON
from tests.unit.domain.canaries import POLICY, seconds, track, watched
from tests.unit.domain.captures import CHAN_RECEIVE, IDLE, goroutines, heap, leaks
from tests.unit.domain.go_profiles import main_frame

ADA, BEN, CARL = Person("U1", "Ada"), Person("U2", "Ben"), Person("pagerduty:P3", "Carl")
DUTY = Person("pagerduty", "Whoever is on call")
CHECKOUT, PAYMENT, TEAM = "checkout", "payment", "shop"
OLD, OPEN = "INC-1", "INC-2"
NOTE, PAGE = 2, "page-1"
CHANNEL, LOG = "C0000002", ChatFile("F1", "error.log", "text/plain", 9, "http://files.test/F1")
SAID = ChatMessage(CHANNEL, f"{NOON.timestamp() - 60:.6f}", BEN, "It began with the deploy.", pinned=True, files=(LOG,))
ROUTED = Split(10.0, dyed=True)
COMMITS = tuple(f"{number}" * 40 for number in range(1, 9))
MAIN = "main"
SLOT = "digest:shop:00000000:2026-03-01T12:00:00Z"

_TARGETS = tuple(
    Target(f"{CHECKOUT}-{n}", CHECKOUT, f"http://127.0.0.1:606{n}", f"http://127.0.0.1:808{n}") for n in (1, 2)
)
CATALOG = Catalog(
    services=(
        Service(
            CHECKOUT,
            _TARGETS[:1],
            discovery=DiscoveryPlan("prometheus", ("127.0.0.0/8",)),
            prometheus="http://127.0.0.1:9090",
            links=(Link("Board", "http://b.test/"),),
            front=Front("http://checkout.test"),
            actions=(ConfiguredAction("restart", "Restart it.", ("restart-it",)),),
            route=Route("envoy"),
            canary=CanaryPlan(
                "rq", "t", exposition="http://127.0.0.1:9901/stats/prometheus", policy=replace(POLICY, settle_s=0.0)
            ),
            people=People(approve=(ADA.id, BEN.id), break_glass=(BEN.id,)),
            gate=GatePolicy(signature=False, sbom=False),
            lab=True,
            guard=GuardPlan("prod", opens=frozenset({Reason.UNSEEN})),
        ),
        Service(PAYMENT, (), repository="/srv/payment.git", people=People(approve=(ADA.id, BEN.id))),
    ),
    on_call=("@ben",),
    announcements="incidents",
    digests=(DigestPlan(TEAM, "0 12 * * *", "UTC", "shop", (CHECKOUT,)),),
    retention_days=30,
    runs_days=30,
    drill_min=6,
)
FOUND = Discovered(_TARGETS[1:], ("checkout: one is left out",))
PROBES = tuple(Probe(target.name, 5, (("200", 5),), 2.0, 3.0) for target in _TARGETS)


_LEAK = ((*CHAN_RECEIVE, main_frame("watch", 44)), 500)
_SICK = _TARGETS[-1].name


def capture(target: str, part: Part) -> Captured:
    """Give what a target answers when it is asked for a part: the last one leaks goroutines."""
    leaked = (_LEAK,) if target == _SICK else ()
    contents = {
        "packets": PCAP_HEAD,
        "goroutine": goroutines(*IDLE, *leaked),
        "goroutineleak": leaks(*leaked),
        "heap": heap(((main_frame("cache"),), 1_000_000)),
    }
    return captured(
        target, part, contents.get(part.name.removesuffix(SECOND), f"{part.name} of {target}".encode()), 0.0
    )


def prepare(ports: Ports, tx: Tx) -> None:
    """Write down, once, what has happened: one incident long ago, one that is open, with a note, a page, a rollback."""
    timeline, author = ports.timeline, Author(ADA, "r0")
    if timeline.chains(tx):
        return
    long_ago = NOON - timedelta(days=100)
    help_ = Plan("help", {}, ("explain",))
    ports.journal.admit(tx, Run("old", help_, ADA, Source(), long_ago, "old", status=RunStatus.DONE, ended_at=long_ago))
    opened = {"title": "Slow", "severity": "SEV2", "service": CHECKOUT}
    timeline.open(tx, Draft(Kind.OPENED, opened), author, long_ago)
    resolved = Draft(Kind.STATUS_SET, {"status": "resolved", "was": "open", "text": ""})
    timeline.append(tx, OLD, [_note(), Draft(Kind.UPDATE, {"text": "better"}), resolved], author, long_ago)
    lately = NOON - timedelta(minutes=10)
    timeline.open(tx, Draft(Kind.OPENED, opened), author, lately)
    acknowledged = {"milestone": "acknowledged", "at": to_us(lately), "source": "Ada"}
    escalated = {"reached": [], "text": "Paged.", "pages": [PAGE]}
    channel = Draft(Kind.CHANNEL_OPENED, {"channel": CHANNEL, "name": "inc-2"})
    drafts = [_note(), Draft(Kind.MILESTONE, acknowledged), Draft(Kind.ESCALATED, escalated), channel]
    timeline.append(tx, OPEN, [*drafts, Draft(Kind.BISECTED, bisected())], author, lately)
    change = Change("r0", CHECKOUT, ROUTED, CLOSED, lately, OPEN)
    ports.marks.put(tx, change_key(CHECKOUT), adapter_of(Change).dump_json(change).decode())
    # Half of the canary's requests have just failed; from now on nothing is counted, so that all looks are alike.
    failing = Kept(NOON, watched(seconds(10, track(10, errors=5), track(90), after=-10)))
    ports.marks.put(tx, watch_key(CHECKOUT), adapter_of(Kept).dump_json(failing).decode())
    # Whatever is asked for may drill the lab: the run that begins a drill, and the one that sees it through.
    ports.marks.put(tx, f"drill:{CHECKOUT}", MAIN)
    no = (Objection(Obstacle.UNSIGNED, "no signature was sent"),)
    denied = (Deploy(CHECKOUT, "v1.12.4", lately, digest=DIGEST, denied=no),)
    ports.marks.put(tx, deploys_key(CHECKOUT), adapter_of(Deploys).dump_json(denied).decode())
    frozen = Frozen(PAYMENT, "a migration", BEN, lately)
    ports.marks.put(tx, frozen_key(PAYMENT), FROZEN.dump_json(frozen).decode())


def _note() -> Draft:
    return Draft(Kind.NOTE, {"text": "a customer's name"})
