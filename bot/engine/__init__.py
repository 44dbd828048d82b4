"""What a playbook's author imports: this, and nothing else of ours."""

from bot.domain.alert_groups import AlertGroup
from bot.domain.anchor import anchor as next_anchor
from bot.domain.anchor import read as read_anchors
from bot.domain.approval import Decision, Request
from bot.domain.diagnosis import Diagnosis
from bot.domain.diagnosis import diagnose as compare_targets
from bot.domain.errors import (
    AnchorRaced,
    CommandRejected,
    FirstFiveError,
    IncidentNotFound,
    MilestoneRefused,
    RunFailed,
    TransitionRefused,
)
from bot.domain.examination import examine
from bot.domain.facts import Build, Facts
from bot.domain.faults import Finding
from bot.domain.incident import Incident, PhaseState, Role, Severity, Status, check_transition
from bot.domain.measures import Milestone, check_milestone, measure
from bot.domain.run import Choice, Missing, Outcome, Reply, RunStatus
from bot.domain.service import Link, Service, Target
from bot.domain.snapshot import (
    BUILD,
    CHEAP_PARTS,
    INTRUSIVE_REST,
    KERNEL_PARTS,
    Captured,
    Part,
    PartStatus,
    Pick,
    Probe,
    Signal,
    intrusive_parts,
    manifest,
    pick_intrusive,
)
from bot.domain.timeline import Entry, Kind, Person, to_us
from bot.engine.alarms import claim as claim_alerts
from bot.engine.alarms import group_of as alerts_of
from bot.engine.alarms import proposals
from bot.engine.alarms import propose as propose_alerts
from bot.engine.alarms import settle as settle_alerts
from bot.engine.alarms import tell as tell_alerts
from bot.engine.approval import press
from bot.engine.grammar import Keyed, Mention, Moment, Rest, ServiceName, Warnings, closest, moment, usage
from bot.engine.playbook import Danger, Params, Playbook
from bot.engine.tools import Tools
from bot.ports import Commit, Listed, Reached, Stored

__all__ = [
    "BUILD",
    "CHEAP_PARTS",
    "INTRUSIVE_REST",
    "KERNEL_PARTS",
    "AlertGroup",
    "AnchorRaced",
    "Build",
    "Captured",
    "Choice",
    "CommandRejected",
    "Commit",
    "Danger",
    "Decision",
    "Diagnosis",
    "Entry",
    "Facts",
    "Finding",
    "FirstFiveError",
    "Incident",
    "IncidentNotFound",
    "Keyed",
    "Kind",
    "Link",
    "Listed",
    "Mention",
    "Milestone",
    "MilestoneRefused",
    "Missing",
    "Moment",
    "Outcome",
    "Params",
    "Part",
    "PartStatus",
    "Person",
    "PhaseState",
    "Pick",
    "Playbook",
    "Probe",
    "Reached",
    "Reply",
    "Request",
    "Rest",
    "Role",
    "RunFailed",
    "RunStatus",
    "Service",
    "ServiceName",
    "Severity",
    "Signal",
    "Status",
    "Stored",
    "Target",
    "Tools",
    "TransitionRefused",
    "Warnings",
    "alerts_of",
    "check_milestone",
    "check_transition",
    "claim_alerts",
    "closest",
    "compare_targets",
    "examine",
    "intrusive_parts",
    "manifest",
    "measure",
    "moment",
    "next_anchor",
    "pick_intrusive",
    "press",
    "proposals",
    "propose_alerts",
    "read_anchors",
    "settle_alerts",
    "tell_alerts",
    "to_us",
    "usage",
]
