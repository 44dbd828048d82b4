"""What a playbook's author imports: this, and nothing else of ours."""

from bot.domain.diagnosis import Diagnosis
from bot.domain.diagnosis import diagnose as compare_targets
from bot.domain.errors import (
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
from bot.domain.incident import SOP_S, Incident, PhaseState, Role, Severity, Status, check_transition
from bot.domain.measures import Milestone, check_milestone, measure
from bot.domain.narrative import size
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
from bot.engine.grammar import Mention, Moment, Rest, ServiceName, Warnings, closest, moment, usage
from bot.engine.playbook import Danger, Params, Playbook
from bot.engine.tools import Tools
from bot.ports import Commit, Listed, Reached, Stored

__all__ = [
    "BUILD",
    "CHEAP_PARTS",
    "INTRUSIVE_REST",
    "KERNEL_PARTS",
    "SOP_S",
    "Build",
    "Captured",
    "Choice",
    "CommandRejected",
    "Commit",
    "Danger",
    "Diagnosis",
    "Entry",
    "Facts",
    "Finding",
    "FirstFiveError",
    "Incident",
    "IncidentNotFound",
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
    "check_milestone",
    "check_transition",
    "closest",
    "compare_targets",
    "examine",
    "intrusive_parts",
    "manifest",
    "measure",
    "moment",
    "pick_intrusive",
    "size",
    "to_us",
    "usage",
]
