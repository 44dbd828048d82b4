"""What a playbook's author imports: this, and nothing else of ours."""

from pydantic import Field

from bot.domain import bundle as bundling
from bot.domain import messages, publishing, scores, sections
from bot.domain.actions import ActionItem
from bot.domain.actions import overdue as overdue_actions
from bot.domain.alert_groups import AlertGroup
from bot.domain.anchor import anchor as next_anchor
from bot.domain.anchor import read as read_anchors
from bot.domain.approval import Decision, Request
from bot.domain.authority import Frozen, Right, Standing
from bot.domain.baseline import Baselines, baseline_key
from bot.domain.baseline import remember as remember_healthy
from bot.domain.bisect import authors
from bot.domain.canary import CanaryPlan, Judgement, Reason
from bot.domain.configured_actions import Call, ConfiguredAction
from bot.domain.configured_actions import call as action_call
from bot.domain.configured_actions import read as action_values
from bot.domain.deploys import Deploy, Running, running, suspected
from bot.domain.diagnosis import Diagnosis
from bot.domain.diagnosis import diagnose as compare_targets
from bot.domain.diagnosis import healthy as healthy_targets
from bot.domain.digest import Seen, stalk_key
from bot.domain.drills import Drilled
from bot.domain.drills import Size as DrillSize
from bot.domain.dyeing import Dyeing
from bot.domain.dyeing import read as read_dyeing
from bot.domain.dyeing import requests as dyed_requests
from bot.domain.errors import (
    AnchorRaced,
    ApprovalRefused,
    ArtifactDamaged,
    CommandRejected,
    FirstFiveError,
    IncidentNotFound,
    MilestoneRefused,
    RunFailed,
    TransitionRefused,
)
from bot.domain.examination import examine
from bot.domain.facts import Build, Facts, with_sums
from bot.domain.faults import Finding
from bot.domain.handover import brief
from bot.domain.incident import (
    SOP_S,
    Incident,
    Role,
    Severity,
    Status,
    check_transition,
    fold,
    impact_of,
    may_see,
)
from bot.domain.measures import Milestone, check_milestone, measure
from bot.domain.modules import FILES as MODULE_FILES
from bot.domain.modules import VerifiedSums, sums_key, sums_of
from bot.domain.narrative import size
from bot.domain.packets import MAX_SECONDS as MAX_PACKETS_S
from bot.domain.packets import summarise as traffic_of
from bot.domain.phases import PhaseState
from bot.domain.picture import png
from bot.domain.proof import prove
from bot.domain.reminders import About as ReminderAbout
from bot.domain.reminders import due as reminders_due
from bot.domain.reminders import lacks, sentence
from bot.domain.run import VIA_CLOCK, VIA_DEPLOYS, VIA_EVENT, VIA_SHORTCUT, Choice, Missing, Outcome, Reply, RunStatus
from bot.domain.service import Link, Service, Target
from bot.domain.sightings import Discovered
from bot.domain.silence import explain as explain_silence
from bot.domain.snapshot import (
    BUILD,
    CHEAP_PARTS,
    DUMP_BY_NAME,
    FIRST,
    GOROUTINE,
    HEAP,
    INTRUSIVE_REST,
    KERNEL_PARTS,
    LOG,
    READ_TWICE,
    RESTARTS,
    TLS,
    VERSION,
    Captured,
    Part,
    PartStatus,
    Pick,
    Probe,
    Signal,
    again,
    intrusive_parts,
    is_starved,
    manifest,
    packets_part,
    pick_intrusive,
    second_parts,
)
from bot.domain.sumdb.records import Sums
from bot.domain.timeline import BLANK, Draft, Entry, Kind, Person, to_us
from bot.domain.traffic import CLOSED, EMPTIED, Change, Course
from bot.domain.usual import Usual, usual_key
from bot.engine import auditing as audits
from bot.engine import bisecting as bisection
from bot.engine import digesting as digests
from bot.engine import drilling as drills
from bot.engine import gatekeeping as gates
from bot.engine import guarding as guards
from bot.engine import reporting as reports
from bot.engine import tracing as traces
from bot.engine.alarms import claim as claim_alerts
from bot.engine.alarms import group_of as alerts_of
from bot.engine.alarms import proposals
from bot.engine.alarms import propose as propose_alerts
from bot.engine.alarms import settle as settle_alerts
from bot.engine.alarms import tell as tell_alerts
from bot.engine.backends import RouterSeen, RouterWatched, see_router, watch_router, with_routed
from bot.engine.c_calls import with_c_calls
from bot.engine.deploys import deploys_of, record_deploy, record_taken_back
from bot.engine.draining import drain, may_drain
from bot.engine.expecting import with_expected
from bot.engine.experience import keep_experience
from bot.engine.fields import (
    Day,
    File,
    Holder,
    IncidentName,
    Keyed,
    Local,
    Mention,
    Moment,
    Rest,
    Said,
    ServiceName,
    Span,
    TeamName,
    Warnings,
    Within,
)
from bot.engine.grammar import day, moment, span, usage
from bot.engine.merging import check_merge, merge_into
from bot.engine.orders import freeze, stand, thaw, withdraw
from bot.engine.playbook import Danger, Params, Playbook, closest
from bot.engine.pressing import press
from bot.engine.slots import slot_named
from bot.engine.tools import Tools
from bot.engine.tracks import (
    Kept,
    Lookout,
    breach_key,
    judgement_lines,
    keep_watch,
    kept_watch,
    prove_safe,
    tell_judged,
    tell_proof,
    watch_key,
)
from bot.engine.traffic import concern, last_change, note_drift, plan_rollback, set_traffic
from bot.engine.traffic import follow as change_traffic
from bot.engine.traffic import plan as plan_traffic
from bot.ports import Commit, Listed, OnCall, PageState, Picture, Posted, Reached, Stored

__all__ = [
    "BLANK",
    "BUILD",
    "CHEAP_PARTS",
    "CLOSED",
    "DUMP_BY_NAME",
    "EMPTIED",
    "FIRST",
    "GOROUTINE",
    "HEAP",
    "INTRUSIVE_REST",
    "KERNEL_PARTS",
    "LOG",
    "MAX_PACKETS_S",
    "MODULE_FILES",
    "READ_TWICE",
    "RESTARTS",
    "SOP_S",
    "TLS",
    "VERSION",
    "VIA_CLOCK",
    "VIA_DEPLOYS",
    "VIA_EVENT",
    "VIA_SHORTCUT",
    "ActionItem",
    "AlertGroup",
    "AnchorRaced",
    "ApprovalRefused",
    "ArtifactDamaged",
    "Baselines",
    "Build",
    "Call",
    "CanaryPlan",
    "Captured",
    "Change",
    "Choice",
    "CommandRejected",
    "Commit",
    "ConfiguredAction",
    "Course",
    "Danger",
    "Day",
    "Decision",
    "Deploy",
    "Diagnosis",
    "Discovered",
    "Draft",
    "DrillSize",
    "Drilled",
    "Dyeing",
    "Entry",
    "Facts",
    "Field",
    "File",
    "Finding",
    "FirstFiveError",
    "Frozen",
    "Holder",
    "Incident",
    "IncidentName",
    "IncidentNotFound",
    "Judgement",
    "Kept",
    "Keyed",
    "Kind",
    "Link",
    "Listed",
    "Local",
    "Lookout",
    "Mention",
    "Milestone",
    "MilestoneRefused",
    "Missing",
    "Moment",
    "OnCall",
    "Outcome",
    "PageState",
    "Params",
    "Part",
    "PartStatus",
    "Person",
    "PhaseState",
    "Pick",
    "Picture",
    "Playbook",
    "Posted",
    "Probe",
    "Reached",
    "Reason",
    "ReminderAbout",
    "Reply",
    "Request",
    "Rest",
    "Right",
    "Role",
    "RouterSeen",
    "RouterWatched",
    "RunFailed",
    "RunStatus",
    "Running",
    "Said",
    "Seen",
    "Service",
    "ServiceName",
    "Severity",
    "Signal",
    "Span",
    "Standing",
    "Status",
    "Stored",
    "Sums",
    "Target",
    "TeamName",
    "Tools",
    "TransitionRefused",
    "Usual",
    "VerifiedSums",
    "Warnings",
    "Within",
    "action_call",
    "action_values",
    "again",
    "alerts_of",
    "audits",
    "authors",
    "baseline_key",
    "bisection",
    "breach_key",
    "brief",
    "bundling",
    "change_traffic",
    "check_merge",
    "check_milestone",
    "check_transition",
    "claim_alerts",
    "closest",
    "compare_targets",
    "concern",
    "day",
    "deploys_of",
    "digests",
    "drain",
    "drills",
    "dyed_requests",
    "examine",
    "explain_silence",
    "fold",
    "freeze",
    "gates",
    "guards",
    "healthy_targets",
    "impact_of",
    "intrusive_parts",
    "is_starved",
    "judgement_lines",
    "keep_experience",
    "keep_watch",
    "kept_watch",
    "lacks",
    "last_change",
    "manifest",
    "may_drain",
    "may_see",
    "measure",
    "merge_into",
    "messages",
    "moment",
    "next_anchor",
    "note_drift",
    "overdue_actions",
    "packets_part",
    "pick_intrusive",
    "plan_rollback",
    "plan_traffic",
    "png",
    "press",
    "proposals",
    "propose_alerts",
    "prove",
    "prove_safe",
    "publishing",
    "read_anchors",
    "read_dyeing",
    "record_deploy",
    "record_taken_back",
    "remember_healthy",
    "reminders_due",
    "reports",
    "running",
    "scores",
    "second_parts",
    "sections",
    "see_router",
    "sentence",
    "set_traffic",
    "settle_alerts",
    "size",
    "slot_named",
    "span",
    "stalk_key",
    "stand",
    "sums_key",
    "sums_of",
    "suspected",
    "tell_alerts",
    "tell_judged",
    "tell_proof",
    "thaw",
    "to_us",
    "traces",
    "traffic_of",
    "usage",
    "usual_key",
    "watch_key",
    "watch_router",
    "with_c_calls",
    "with_expected",
    "with_routed",
    "with_sums",
    "withdraw",
]
