"""What a digest is made of, for the playbook that writes one."""

from bot.domain import league
from bot.domain.conditions import (
    Condition,
    ServiceSight,
    TargetSight,
    conditions,
    of_actions,
    of_denied,
    of_incidents,
    unlisted,
)
from bot.domain.digest import count_incidents, period, write
from bot.domain.fronts import EdgeAnswer
from bot.domain.fronts import flaws as edge_flaws
from bot.domain.service import DigestPlan, Edge
from bot.domain.trend import HOURS, STEP, Panel, Trend, incidents_per_day, over_hours
from bot.domain.usual import learn
from bot.domain.violations import Guarded, guard_key, of_guard

__all__ = [
    "HOURS",
    "STEP",
    "Condition",
    "DigestPlan",
    "Edge",
    "EdgeAnswer",
    "Guarded",
    "Panel",
    "ServiceSight",
    "TargetSight",
    "Trend",
    "conditions",
    "count_incidents",
    "edge_flaws",
    "guard_key",
    "incidents_per_day",
    "league",
    "learn",
    "of_actions",
    "of_denied",
    "of_guard",
    "of_incidents",
    "over_hours",
    "period",
    "unlisted",
    "write",
]
