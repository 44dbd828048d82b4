"""The star of the lab is supervised, and takes longer until it listens than its liveness probe allows."""

from collections.abc import Callable
from urllib.parse import urlsplit

from bot.lab.errors import TargetFailed
from bot.lab.stage import Stage
from bot.lab.supervised import supervise, wait_until
from bot.lab.supervisor import Probe

TAKES_S = {"small": 6, "medium": 10, "large": 30}


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """Start it with a start that takes so long, and wait until it was restarted twice."""
    port = urlsplit(stage.roles[stage.star].url).port or 0
    probes = {
        "liveness": Probe("/health/live", port, period_s=1),
        "readiness": Probe("/health/ready", port, period_s=1, failures=1),
    }
    pod, restore = supervise(stage, probes, {"CHECKOUT_START": f"{TAKES_S[size]}s"})
    try:
        wait_until(lambda: pod.restarts > 1, f"{stage.star} was not restarted")
    except TargetFailed:
        restore()
        raise
    return restore
