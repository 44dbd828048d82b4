"""Start the router as a process, and find out where it listens."""

import http.client
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.lab.envoy import BASELINE, CANARY, DYED_KEY, WEIGHT_KEY, bootstrap
from bot.lab.errors import TargetFailed
from bot.lab.processes import START_S, Child

LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class Tracks:
    """Where the targets of both tracks answer their users."""

    baseline: tuple[str, ...]
    canary: str


@dataclass(frozen=True)
class Router:
    """A router that answers, and what to tell about it."""

    child: Child
    answer: dict[str, str]


def start(stack: ExitStack, envoy: Path, ports: tuple[int, int], logs: Path, tracks: Tracks) -> Router:
    """Start Envoy (its operators' and its users' port) before the tracks; the stack ends it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstfive-router-")))
    settings, told = folder / "envoy.json", folder / "admin"
    settings.write_text(
        json.dumps(bootstrap(*ports, [_address(url) for url in tracks.baseline], _address(tracks.canary)))
    )
    command = [str(envoy), "--config-path", str(settings), "--admin-address-path", str(told), "--log-level", "warning"]
    command += ["--concurrency", "1", "--disable-hot-restart"]
    guarded = [sys.executable, "-m", "bot.lab.guard", *command]
    child = stack.enter_context(Child("router", guarded, logs / "router.log"))
    admin = _await_admin(child, told)
    listens = {"url": f"http://127.0.0.1:{_users_port(admin)}", "admin": f"http://{admin}"}
    keys = {"weight_key": WEIGHT_KEY, "dyed_key": DYED_KEY}
    return Router(child, listens | keys | {"baseline": BASELINE, "canary": CANARY})


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def _await_admin(child: Child, told: Path) -> str:
    """Wait until Envoy has written where its admin address is, and is live."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and child.process.poll() is None:
        if told.is_file() and (admin := told.read_text()) and _ask(admin, "/ready") is not None:
            return admin
        time.sleep(LOOK_EVERY_S)
    raise TargetFailed(f"the router did not start: {child.last_words()}")


def _users_port(admin: str) -> int:
    listeners: dict[str, Any] = json.loads(_ask(admin, "/listeners?format=json") or b"{}")
    port: int = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
    return port


def _ask(admin: str, path: str) -> bytes | None:
    """Ask the admin address; None unless it answers well."""
    connection = http.client.HTTPConnection(admin, timeout=START_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except OSError:
        return None
    finally:
        connection.close()
    return body if answer.status == http.client.OK else None
