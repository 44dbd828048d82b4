"""The star of the lab is supervised, and its liveness asks another service, which goes away: it is restarted for that.

Small and medium: nobody listens where the other service was. Large: it stands still, so that each question takes as
long as its client waits.
"""

import signal
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from bot.lab.errors import TargetFailed
from bot.lab.stage import Stage
from bot.lab.supervised import supervise, wait_until, wait_until_it_listens
from bot.lab.supervisor import Probe

STOCK = "stock"


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """Start both, wait until the star is ready, take the other service away, wait until the star was restarted."""
    stock = stage.play(STOCK, [str(stage.roles[stage.star].program), "-name", STOCK, "-follow-stdin"])
    asked = f"{stock.announcement()['url']}/health/ready"
    port = urlsplit(stage.roles[stage.star].url).port or 0
    probes = {
        "liveness": Probe("/health/live", port, initial_delay_s=1, period_s=1, failures=5 if size == "large" else 3),
        "readiness": Probe("/health/ready", port, period_s=1, failures=1),
    }
    pod, restore = supervise(stage, probes, {"CHECKOUT_STOCK": asked})

    def end() -> None:
        with suppress(ProcessLookupError):
            stock.process.send_signal(signal.SIGCONT)
        stage.end(STOCK)
        restore()

    try:
        wait_until(lambda: pod.ready, f"{stage.star} did not become ready")
        if size == "large":
            stock.process.send_signal(signal.SIGSTOP)
        else:
            stage.end(STOCK)
        wait_until(lambda: pod.restarts > 0, f"{stage.star} was not restarted")
        wait_until_it_listens(stage)
    except TargetFailed:
        end()
        raise
    return end
