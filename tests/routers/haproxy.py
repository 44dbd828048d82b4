"""A real HAProxy before two tracks: the canary gets 10 %, marked requests reach it, a reload reads a state file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.routers.programs import Running, running
from tests.routers.tracks import Tracks
from tests.stack import free_ports

# docs/routers.md shows what matters of it.
CONFIG = """
global
    stats socket {folder}/haproxy.sock mode 600 level admin
    stats socket ipv4@127.0.0.1:{stats} level admin
    stats socket {folder}/operator.sock mode 600 level operator
    server-state-file {folder}/state
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    load-server-state-from-file global
frontend users
    bind 127.0.0.1:{port}
    use_backend dyed if {{ req.hdr(X-Release-Phase) canary }} {{ nbsrv(dyed) gt 0 }}
    default_backend checkout
backend checkout
    server baseline {tracks.baseline} weight 90
    server canary {tracks.canary} weight 10
backend dyed
    server canary {tracks.canary}
"""


@contextmanager
def running_haproxy(tracks: Tracks, folder: Path) -> Iterator[Running]:
    """Give a HAProxy that runs; `folder` is one with a short path, for its socket."""
    port, config = free_ports(0, 1), folder / "haproxy.cfg"
    config.write_text(CONFIG.format(folder=folder, port=port, stats=port + 1, tracks=tracks))
    settings = {
        "kind": "haproxy",
        "socket": f"{folder}/haproxy.sock",
        "canary": "checkout/canary",
        "baseline": "checkout/baseline",
        "dyed": "dyed/canary",
        "state_file": f"{folder}/state",
    }
    command = ["haproxy", "-W", "-db", "-f", str(config)]
    with running(Running(f"127.0.0.1:{port}", settings, command, folder / "log", "Loading success")) as router:
        yield router
