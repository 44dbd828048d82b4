"""The audits, one file each: what was found in, remarks out. A remark says where, what, and what would be better."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from bot.domain.audits import build, logs, metrics, modules, probes, tracing
from bot.domain.audits.remark import Grade, Remark, Subject, ranked

__all__ = ["JUDGES", "Audited", "Grade", "Remark", "Subject", "judge"]

Judge = Callable[[Mapping[str, Any]], tuple[Remark, ...]]


class Audited(StrEnum):
    """What can be audited."""

    BUILD = "build"
    LOGS = "logs"
    METRICS = "metrics"
    MODULES = "modules"
    PROBES = "probes"
    TRACING = "tracing"


JUDGES: Mapping[Audited, Judge] = {
    Audited.BUILD: build.judge,
    Audited.LOGS: logs.judge,
    Audited.METRICS: metrics.judge,
    Audited.MODULES: modules.judge,
    Audited.PROBES: probes.judge,
    Audited.TRACING: tracing.judge,
}


def judge(what: Audited, document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give everything that should be otherwise, what matters most first."""
    return ranked(JUDGES[what](document))
