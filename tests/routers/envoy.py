"""A real Envoy before two tracks: the canary gets 10 %, marked requests reach it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.lab.envoy import DYED_KEY, WEIGHT_KEY, Address, bootstrap
from bot.lab.wheels import find_envoy
from tests.routers.programs import Running, running
from tests.routers.tracks import Tracks
from tests.stack import free_ports


@contextmanager
def running_envoy(tracks: Tracks, folder: Path, layers: Sequence[Mapping[str, Any]] = ()) -> Iterator[Running]:
    """Give the lab's Envoy; the first on a machine is fetched. `layers` of a runtime take the place of its own."""
    port = free_ports(0, 1)
    start = bootstrap(port + 1, port, [_address(tracks.baseline)], _address(tracks.canary))
    start |= {"layered_runtime": {"layers": list(layers)}} if layers else {}
    config = folder / "envoy.json"
    config.write_text(json.dumps(start))
    command = [str(find_envoy()), "-c", str(config), "--disable-hot-restart", "--concurrency", "1", "-l", "warn"]
    admin = f"http://127.0.0.1:{port + 1}"
    settings = {"kind": "envoy", "admin": admin, "weight_key": WEIGHT_KEY, "dyed_key": DYED_KEY}
    with running(Running(f"127.0.0.1:{port}", settings, command, folder / "envoy.log")) as router:
        yield router


def _address(place: str) -> Address:
    host, _, port = place.partition(":")
    return host, int(port)
