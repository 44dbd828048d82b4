"""The star of a stage under a supervisor, and back."""

import socket
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from bot.lab.errors import TargetFailed
from bot.lab.processes import START_S
from bot.lab.stage import Stage
from bot.lab.supervisor import Container, Probe, Supervisor

_LOOK_EVERY_S = 0.05


def supervise(
    stage: Stage, probes: dict[str, Probe], environment: Mapping[str, str]
) -> tuple[Supervisor, Callable[[], None]]:
    """Start the star again where it answered, supervised; give the supervisor, and what takes that back."""
    name, command = stage.star, stage.roles[stage.star].command
    stage.end(name)
    # People wait for a drill: it is started again sooner than a cluster would.
    pod = Supervisor(
        Container(name, lambda: stage.play(name, command, environment).process, probes, 2, 0.5, 1.0),
    )
    stage.pods[name] = pod.__enter__()

    def restore() -> None:
        del stage.pods[name]
        pod.__exit__(None, None, None)
        stage.recast(name)

    return pod, restore


def wait_until_it_listens(stage: Stage) -> None:
    """Return when the star accepts connections.

    :raises TargetFailed: it does not in time.
    """
    where = urlsplit(stage.roles[stage.star].url)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((str(where.hostname), where.port or 0)) == 0

    wait_until(listens, f"{stage.star} does not listen")


def wait_until(is_so: Callable[[], bool], otherwise: str, seconds: float = START_S) -> None:
    """Return when something is so.

    :raises TargetFailed: it is not so in time.
    """
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TargetFailed(otherwise)
        time.sleep(_LOOK_EVERY_S)
