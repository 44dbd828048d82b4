"""What the lab does to its targets from outside, one act a file: another program, other surroundings, nobody there."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.lab.acts import (
    build_drift,
    cross_build,
    drained,
    lost_connections,
    lost_traces,
    module_poisoning,
    probe_loop,
    slow_start,
)
from bot.lab.stage import Stage

__all__ = ["ACTS", "Act"]

Begin = Callable[[Stage, str], Callable[[], None]]
"""Does it at a size (small, medium, large), and gives what takes it back. LabError and OSError say why it cannot."""


@dataclass(frozen=True)
class Act:
    """A switch of the lab itself: `fault` is the class that a diagnosis names then, "" for what must not be named."""

    name: str
    title: str
    fault: str
    begin: Begin


ACTS: tuple[Act, ...] = (
    Act("module-poisoning", "Runs a module that was changed in a proxy", "module-poisoning", module_poisoning.begin),
    Act("genuine-module", "Runs what go.sum says, unverified", "", module_poisoning.begin_genuine),
    Act("cross-build", "Deployed as a build for another machine", "cross-build", cross_build.begin),
    Act("probe-loop", "Liveness asks another service, which is away", "probe-loop", probe_loop.begin),
    Act("slow-start", "The start takes longer than liveness allows", "probe-loop", slow_start.begin),
    Act("build-drift", "Runs what was built in somebody's own work tree", "build-drift", build_drift.begin),
    Act("lost-connections", "Taken away at once, under load", "lost-connections", lost_connections.begin),
    Act("drained", "Taken away when the router sent it nothing any more", "", drained.begin),
    Act("lost-traces", "Pricing passes on no traceparent to the warehouse", "", lost_traces.begin),
)
