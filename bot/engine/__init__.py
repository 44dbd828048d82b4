"""What a playbook's author imports: this, and nothing else of ours."""

from bot.domain.errors import (
    CommandRejected,
    FirstFiveError,
    IncidentNotFound,
    MilestoneRefused,
    RunFailed,
    TransitionRefused,
)
from bot.domain.incident import Incident, PhaseState, Role, Severity, Status, check_transition
from bot.domain.measures import Milestone, check_milestone, measure
from bot.domain.run import Choice, Missing, Outcome, Reply, RunStatus
from bot.domain.service import Link, Service, Target
from bot.domain.timeline import Entry, Kind, Person, to_us
from bot.engine.grammar import Mention, Moment, Rest, ServiceName, Warnings, closest, moment, usage
from bot.engine.playbook import Danger, Params, Playbook
from bot.engine.tools import Tools
from bot.ports import Commit, Listed, Reached, Stored

__all__ = [
    "Choice",
    "CommandRejected",
    "Commit",
    "Danger",
    "Entry",
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
    "Person",
    "PhaseState",
    "Playbook",
    "Reached",
    "Reply",
    "Rest",
    "Role",
    "RunFailed",
    "RunStatus",
    "Service",
    "ServiceName",
    "Severity",
    "Status",
    "Stored",
    "Target",
    "Tools",
    "TransitionRefused",
    "Warnings",
    "check_milestone",
    "check_transition",
    "closest",
    "measure",
    "moment",
    "to_us",
    "usage",
]
