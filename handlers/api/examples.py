"""An example of what each operation answers, for the description: one incident, from its beginning to its end."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from bot.domain.approval import Decision
from bot.domain.incident import Role, Severity, Status
from bot.domain.measures import Milestone, measure
from bot.domain.phases import PhaseState
from bot.domain.run import RunStatus
from handlers.api.answers import Evidence, Page, Person
from handlers.api.approvals import Approval, WaitingPage, WaitingTold
from handlers.api.audits import LogTold
from handlers.api.commands import Taken
from handlers.api.drills import DrillsTold, PlaceTold, ScoreTold
from handlers.api.incidents import (
    FactTold,
    FindingTold,
    IncidentRow,
    IncidentTold,
    MeasureTold,
    PhaseTold,
)
from handlers.api.measures import GroupTold, MeasuresTold, MedianTold, ShareTold
from handlers.api.runs import PlanTold, RunTold, SourceTold
from handlers.api.services import (
    AnswersTold,
    BaselineTold,
    CertificateTold,
    DeployTold,
    EdgeTold,
    FrozenTold,
    LinkTold,
    ServiceRow,
    ServiceTold,
    StandingTold,
    TargetTold,
)
from handlers.api.timelines import ArtifactTold, EntryTold, PostmortemTold, RunRow

_AT = datetime(2026, 11, 22, 3, 1, 12, tzinfo=UTC)
_ANA, _BEN = Person(id="U0ANA", name="Ana Souza"), Person(id="U0BEN", name="Ben Okafor")
_SHA256 = "6f1c0d3a" * 8
_TITLE = "checkout 5xx after deploy"


def _after(seconds: float) -> datetime:
    return _AT + timedelta(seconds=seconds)


_MILESTONES: Mapping[str, datetime] = {
    Milestone.STARTED: _after(-40),
    Milestone.DETECTED: _AT,
    Milestone.MITIGATED: _after(201),
}
_ROW = IncidentRow(
    id="INC-7",
    title=_TITLE,
    severity=Severity.SEV2,
    status=Status.MITIGATED,
    service="checkout",
    opened_at=_AT,
    channel="C0INC7",
    team="T0ACME",
    private=False,
    drill=False,
    verdict="goroutine-leak",
    counts=True,
    commander=_BEN,
    people=[_ANA, _BEN],
    milestones={Milestone(name): at for name, at in _MILESTONES.items()},
    measures=[MeasureTold.model_validate(each) for each in measure(_MILESTONES)],
)
_PROOF = Evidence(label="checkout-1.goroutine.txt", artifact=_SHA256, run="")
_INCIDENT = IncidentTold(
    **dict(_ROW),
    reporter=_ANA,
    roles={Role.COMMANDER: _BEN},
    deadline_at=_after(300),
    phases=[
        PhaseTold(
            name="capture",
            title="Capture",
            budget_s=60,
            state=PhaseState.DONE,
            started_at=_after(2),
            ended_at=_after(5),
            summary="2 targets",
        )
    ],
    statement="12,480 goroutines wait in checkout.(*Cart).lock",
    fix="Give the request's context to the lock, and take it back when that ends.",
    findings=[
        FindingTold(
            fault_class="goroutine-leak",
            target="checkout-1",
            claim="12,480 goroutines wait at one place",
            confidence="sure",
            evidence=[FactTold(text="12,480 at cart.go:88", proof=_PROOF)],
            fix="Give the request's context to the lock, and take it back when that ends.",
            verify="A new snapshot has fewer than 200 there.",
            proof=_PROOF,
            at=_after(9),
        )
    ],
    rollout=None,
    bisects=[],
    waiting=[],
    actions=[],
    impact="One order in three fails.",
    last_update=None,
    next_update_at=None,
    escalation="",
    answered="",
    on_call=[_BEN],
    channel_name="inc-7-checkout-5xx",
    merged_into="",
    cancelled="",
    warnings=[],
    seq=41,
    changed_at=_after(201),
)
_ENTRY = EntryTold(
    incident_id="INC-7",
    seq=9,
    at=_after(31),
    at_us=1_795_316_503_000_000,
    kind="note",
    actor=_ANA.id,
    actor_name=_ANA.name,
    run_id="4f1d09b2c3a7",
    step="write",
    who=_ANA.name,
    what="It is DNS.",
    body={"text": "It is DNS."},
    body_sha256=_SHA256,
    prev="0" * 64,
    hash="1" * 64,
)
_RUN = RunTold(
    id="4f1d09b2c3a7",
    plan=PlanTold(playbook="note", params={"text": "It is DNS."}, steps=["write"]),
    actor=_ANA,
    source=SourceTold(via="api", channel="", channel_name=""),
    incident_id="INC-7",
    parent_id="",
    status=RunStatus.DONE,
    created_at=_after(31),
    wake_at=None,
    started_at=_after(31),
    ended_at=_after(31),
    result={"text": "Noted."},
    reason="",
)
_APPROVAL = Approval(
    run_id="7e20c5d19b44",
    playbook="rollback",
    words="rollback service=checkout",
    params={"service": "checkout"},
    service="checkout",
    will=["Roll back"],
    measured={"Measure both tracks": "7.2 % of the canary's requests fail, 0.1 % of the baseline's"},
    plan=_SHA256,
    requester=_ANA,
    asked_at=_after(60),
    expires_at=_after(660),
    decided=Decision.APPROVED,
    decided_by=_BEN,
    decided_at=_after(75),
    reason="",
)
_WAITING = WaitingTold(
    **{**dict(_APPROVAL), "decided": None, "decided_by": None, "decided_at": None},
    incident_id="INC-7",
    why_not="",
    alone=False,
    url=f"/approvals/{_APPROVAL.run_id}",
)
_DEPLOY = DeployTold(
    release="v1.12.3",
    commit="9b1f0c5e" * 5,
    at=_after(-400),
    by=_ANA.name,
    source="webhook",
    rolled_back_at=None,
    go="go1.27.3",
    build="",
    digest="",
    obstacles="",
)
_SERVICE = ServiceRow(
    name="checkout",
    states={"ill": 1},
    open=[_ROW],
    deploy=_DEPLOY,
    frozen=FrozenTold(reason="data migration", by=_BEN, at=_after(-900), until=_after(2_700)),
    troubles=["checkout-1: its certificate has 3 days left"],
    notes=[],
)
_TARGET = TargetTold(
    name="checkout-1",
    state="ill",
    answers=AnswersTold(
        at=_after(60),
        requests=1,
        statuses={"503": 1},
        p50_ms=4.0,
        max_ms=4.0,
        error="",
        text="answers 1 x 503 in 4 ms (max 4 ms)",
    ),
    certificate=CertificateTold(expires_at=_after(259_260), is_ill=True, text="its certificate has 3 days left"),
    baseline=BaselineTold(
        taken_at=_after(-86_400),
        build="v1.12.2 (go1.27.3)",
        revision="1c0ffee0" * 5,
        goroutines=41,
        heap_bytes=2_600_000,
        profiles={"cpu": _SHA256},
    ),
    drift="",
)
_GROUP = GroupTold(name="checkout", count=9, measures=[MedianTold(name="MTTM", median_s=241.0, recorded=8)])
_SHARE = ShareTold(verdict="goroutine-leak", count=4, share=4 / 9, latest=["INC-7"])
_SCORE = ScoreTold(
    incident_id="INC-9",
    fault="goroutine-leak",
    target="checkout-1",
    size="medium",
    service="checkout",
    blind=True,
    began_at=_AT,
    how="mitigated",
    ack_s=14.2,
    snapshot_s=21.8,
    verdict_s=24.1,
    people_s=70.5,
    mitigated_s=181.0,
    verified_s=190.4,
    wrong="",
    acked_by=_ANA.name,
    found_by=_BEN.name,
    mitigated_by=_BEN.name,
)
_PLACE = PlaceTold(
    fault="goroutine-leak", drills=3, right=3, machine_s=24.1, people_s=70.5, mitigated_s=181.0, last=_SCORE
)

EXAMPLES: Mapping[str, BaseModel] = {
    "list_incidents": Page(items=[_ROW], next=7),
    "get_incident": _INCIDENT,
    "list_entries": Page(items=[_ENTRY], next=9),
    "list_artifacts": Page(
        items=[ArtifactTold(name=_PROOF.label, sha256=_SHA256, bytes=48_112, what="goroutines")], next=None
    ),
    "list_runs": Page(
        items=[RunRow(id=_RUN.id, playbook="note", who=_ANA.name, status="done", took="0.1 s", depth=0)], next=None
    ),
    "list_incident_approvals": Page(items=[_APPROVAL], next=None),
    "get_postmortem": PostmortemTold(
        incident_id="INC-7",
        entries=41,
        markdown=f"# INC-7: {_TITLE}\n",
        html_url="/incidents/INC-7/postmortem.html?now=1",
        pdf_url="/incidents/INC-7/postmortem.pdf?now=1",
        json_url="/incidents/INC-7/postmortem.json?now=1",
    ),
    "get_run": _RUN,
    "list_approvals": WaitingPage(items=[_WAITING], next=None),
    "get_approval": _WAITING,
    "list_services": Page(items=[_SERVICE], next=1),
    "get_service": ServiceTold(
        **dict(_SERVICE),
        targets=[_TARGET],
        edges=[EdgeTold(url="https://cdn.example.com/app.js", at=_after(60), answers=2, flaws=[])],
        builds=["v1.12.2 (go1.27.3)"],
        deploys=[_DEPLOY],
        standing=StandingTold(asked_by=_ANA, approved_by=_BEN, at=_after(-90_000), policy=_SHA256),
        router="envoy",
        canary=True,
        links=[LinkTold(title="Dashboard", url="https://grafana.example.com/d/1")],
        latest=[_ROW],
        diagnosed=_ROW,
    ),
    "get_measures": MeasuresTold(
        total=_GROUP, by_service=[_GROUP], by_severity=[], by_week=[], shares=[_SHARE], worst=[]
    ),
    "list_audit_entries": LogTold(items=[_ENTRY], next="1795316503000000.INC-7.9"),
    "get_drills": DrillsTold(seed_s=252.0, running=[], league=[_PLACE], drills=[_SCORE]),
    "give_command": Taken(run=_RUN.id, url=f"/api/v1/runs/{_RUN.id}"),
}
