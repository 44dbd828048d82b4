"""A canary for tests: two processes of the real service behind a real router, under load, and who counts them."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bot.lab import folders, releases
from bot.lab.envoy import BASELINE, CANARY
from bot.lab.processes import Child
from tests.routers.envoy import running_envoy
from tests.routers.haproxy import running_haproxy
from tests.routers.programs import Running
from tests.routers.tracks import Tracks
from tests.stack import free_ports

ENVOY, HAPROXY = "envoy", "haproxy"
_READY_S = 30.0
_SCRAPED = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: checkout
  static_configs:
  - {{targets: ["{baseline}"], labels: {{track: baseline}}}}
  - {{targets: ["{canary}"], labels: {{track: canary}}}}
"""


@dataclass
class Canary:
    """What runs, and the lines of the service's configuration that say so."""

    admin: str
    router: Running
    config: Sequence[str]

    def fail(self) -> None:
        """Let three of ten of the canary's requests fail from now on."""
        httpx.post(f"{self.admin}/debug/faults/error-ratio", json={"on": True}).raise_for_status()

    def counted(self) -> int:
        """Give how many requests the canary has answered."""
        rows = [line for line in httpx.get(f"{self.admin}/metrics").text.splitlines() if line.startswith(_COUNTER)]
        return sum(int(float(row.rpartition(" ")[2])) for row in rows)


_COUNTER = "http_requests_total{"


@contextmanager
def running_canary(kind: str, folder: Path, rate: int = 200) -> Iterator[Canary]:
    """Give a canary that gets a tenth of so many requests a second, counted by a Prometheus or by Envoy itself.

    Mark its tests `go` and `timeout(600)`.
    """
    made = releases.prepare(folders.cache() / "lab").program(releases.HEALTHY)
    with ExitStack() as stack:
        at = {name: stack.enter_context(_track(made, name, folder)) for name in ("baseline", "canary")}
        tracks = Tracks(*(urlsplit(at[name]["url"]).netloc for name in ("baseline", "canary")))
        router = stack.enter_context((running_envoy if kind == ENVOY else running_haproxy)(tracks, folder))
        if kind == ENVOY:
            counted = by_envoy(str(router.settings["admin"]))
        else:
            admins = {name: urlsplit(each["admin"]).netloc for name, each in at.items()}
            counted = ["", f'prometheus = "{stack.enter_context(_scraping(folder, admins))}"', "[services.canary]"]
        load = [str(made), "-load", f"http://{router.address}", "-rate", str(rate), "-name", "load", "-follow-stdin"]
        stack.enter_context(Child("load", load, folder / "load.log"))
        where = [line for line in counted if line.startswith("prometheus")]
        tables = [line for line in counted if not line.startswith("prometheus")]
        yield Canary(at["canary"]["admin"], router, [*where, router.toml, *tables])


@contextmanager
def _track(program: Path, name: str, folder: Path) -> Iterator[dict[str, str]]:
    command = [str(program), "-name", name, "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-follow-stdin"]
    with Child(name, command, folder / f"{name}.log") as child:
        yield child.announcement()


def by_envoy(admin: str) -> list[str]:
    """Write how the canary is counted by the lab's Envoy itself."""
    return [
        "[services.canary]",
        f'exposition = "{admin}/stats/prometheus?filter=upstream_rq"',
        'requests = "envoy_cluster_upstream_rq"',
        'latency = "envoy_cluster_upstream_rq_time_bucket"',
        'latency_unit = "ms"',
        'track_label = "envoy_cluster_name"',
        f'canary = "{CANARY}"',
        f'baseline = "{BASELINE}"',
    ]


@contextmanager
def _scraping(folder: Path, admins: dict[str, str]) -> Iterator[str]:
    """Give a Prometheus that reads both tracks every second."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    config, url = folder / "prometheus.yml", f"127.0.0.1:{free_ports(0)}"
    config.write_text(_SCRAPED.format(**admins))
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={url}",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await_ready(f"http://{url}/-/ready")
            yield f"http://{url}"
        finally:
            process.kill()


def _await_ready(url: str) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} is not ready")
