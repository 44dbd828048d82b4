"""Runs a target as a kubelet runs a container: probes it, ends it, starts it again; and tells it as a cluster does.

As documented: kubernetes.io, "Configure Liveness, Readiness and Startup Probes" and "Pod Lifecycle" (exit codes,
back-off), and the core/v1 shapes of Pod and Event. Probes are HTTP, a success is 200 to 399, one makes well again.
"""

import http.client
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

NAMESPACE, LABELS = "lab", {"app": "checkout"}
_LOOK_EVERY_S = 0.05
_WELL = range(200, 400)


@dataclass(frozen=True)
class Probe:
    """How a container is asked: GET of a path at a port of loopback; seconds, whole ones in a cluster."""

    path: str
    port: int
    initial_delay_s: float = 0
    period_s: float = 10
    timeout_s: int = 1
    failures: int = 3

    def ask(self) -> str:
        """Ask once; give why that failed in the words of a kubelet, "" if it did not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        url = f"http://127.0.0.1:{self.port}{self.path}"
        try:
            connection.request("GET", self.path, headers={"User-Agent": "kube-probe/lab"})
            status = connection.getresponse().status
        except TimeoutError:
            return f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        except ConnectionRefusedError:
            return f'Get "{url}": dial tcp 127.0.0.1:{self.port}: connect: connection refused'
        except (OSError, http.client.HTTPException) as error:
            return f'Get "{url}": {error or "EOF"}'
        finally:
            connection.close()
        return "" if status in _WELL else f"HTTP probe failed with statuscode: {status}"

    def as_told(self) -> dict[str, Any]:
        """Give it as a pod's spec has it."""
        return {
            "httpGet": {"path": self.path, "port": self.port, "scheme": "HTTP"},
            "initialDelaySeconds": self.initial_delay_s,
            "periodSeconds": self.period_s,
            "timeoutSeconds": self.timeout_s,
            "failureThreshold": self.failures,
            "successThreshold": 1,
        }


@dataclass(frozen=True)
class Container:
    """What is run, and how it is probed (by `liveness`, `readiness`, `startup`); seconds, by default a cluster's."""

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    probes: dict[str, Probe]
    grace_s: float = 30
    back_off_s: float = 10.0
    longest_back_off_s: float = 300.0


@dataclass
class _Life:
    """One start of the container."""

    process: "subprocess.Popen[bytes]"
    began: str
    started: threading.Event = field(default_factory=threading.Event)
    doomed: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


def pod(
    name: str, probes: Mapping[str, Probe], status: Mapping[str, Any], ready_changed: str, grace_s: float = 30
) -> dict[str, Any]:
    """Write a pod of one container: how it is probed, its status, since when it is ready or not."""
    ports = sorted({probe.port for probe in probes.values()})
    spec: dict[str, Any] = {"name": name, "ports": [{"containerPort": port, "protocol": "TCP"} for port in ports]}
    spec |= {f"{kind}Probe": probe.as_told() for kind, probe in probes.items()}
    ready = {"status": str(status["ready"]), "lastTransitionTime": ready_changed}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": LABELS},
        "spec": {"containers": [spec], "hostNetwork": True, "terminationGracePeriodSeconds": grace_s},
        "status": {
            "phase": "Running",
            "podIP": "127.0.0.1",
            "conditions": [{"type": kind, **ready} for kind in ("Ready", "ContainersReady")],
            "containerStatuses": [{"name": name, "started": bool(status["state"].get("running")), **status}],
        },
    }


class Supervisor:
    """A pod with one container; what it says of itself may be asked from any thread."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self._over = threading.Event()
        self._changing = threading.Lock()
        self._events: dict[tuple[str, str], dict[str, Any]] = {}
        self._status: dict[str, Any] = {"restartCount": 0, "ready": False, "state": {}, "lastState": {}}
        self._ready_changed = _now()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    @property
    def name(self) -> str:
        """The name of the pod, which is its container's."""
        return self.container.name

    @property
    def restarts(self) -> int:
        """How often the container was started again."""
        return int(self._status["restartCount"])

    @property
    def ready(self) -> bool:
        """Whether it may get traffic."""
        return bool(self._status["ready"])

    def pod(self) -> dict[str, Any]:
        """Give the pod as GET /api/v1/namespaces/NAMESPACE/pods lists it."""
        with self._changing:
            return pod(
                self.container.name, self.container.probes, self._status, self._ready_changed, self.container.grace_s
            )

    def events(self) -> list[dict[str, Any]]:
        """Give its events, alike ones as one with a count."""
        with self._changing:
            return [dict(each) for each in self._events.values()]

    def _run(self) -> None:
        pause_s = 0.0
        while not self._over.is_set():
            self._live()
            if self._over.is_set():
                return
            if pause_s:
                self._tell("BackOff", f"Back-off restarting failed container {self.container.name}")
                self._become({"waiting": {"reason": "CrashLoopBackOff"}})
            self._over.wait(pause_s)
            pause_s = min(max(2 * pause_s, self.container.back_off_s), self.container.longest_back_off_s)
            with self._changing:
                self._status["restartCount"] += 1

    def _live(self) -> None:
        """Run the container once, until it ends or has to."""
        try:
            life = _Life(self.container.start(), _now())
        except OSError as error:
            self._tell("Failed", f"Error: {error}")
            return
        self._become({"running": {"startedAt": life.began}})
        if "startup" not in self.container.probes:
            life.started.set()
        kinds = self.container.probes
        probing = [threading.Thread(target=self._probe, args=(kind, life), daemon=True) for kind in kinds]
        for each in probing:
            each.start()
        while life.process.poll() is None and not life.doomed.is_set() and not self._over.is_set():
            life.doomed.wait(_LOOK_EVERY_S)
        self._end(life.process)
        life.over.set()
        self._set_ready(ready=False)
        code = life.process.returncode
        told = {"exitCode": 128 - code if code < 0 else code, "reason": "Error" if code else "Completed"}
        ended = {"terminated": {**told, "startedAt": life.began, "finishedAt": _now()}}
        with self._changing:
            self._status["lastState"] = ended
        self._become(ended)
        for each in probing:
            each.join()

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """End a process as a cluster does: asked first, killed when its grace period is over."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(self.container.grace_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _probe(self, kind: str, life: _Life) -> None:
        """Probe one container of its start until its end, as one worker of a kubelet does."""
        probe, failed = self.container.probes[kind], 0
        if kind != "startup":
            while not life.started.wait(_LOOK_EVERY_S):
                if life.over.is_set():
                    return
        life.over.wait(probe.initial_delay_s)
        while not life.over.is_set() and not (kind == "startup" and life.started.is_set()):
            asked_at = time.monotonic()
            wrong = probe.ask()
            # Whoever has just ended by itself was not killed for its silence.
            if life.over.is_set() or life.doomed.is_set() or life.process.poll() is not None:
                return
            failed = failed + 1 if wrong else 0
            self._judge(kind, life, wrong, is_out=failed >= probe.failures)
            life.over.wait(max(0.0, asked_at + probe.period_s - time.monotonic()))

    def _judge(self, kind: str, life: _Life, wrong: str, *, is_out: bool) -> None:
        if wrong:
            self._tell("Unhealthy", f"{kind.capitalize()} probe failed: {wrong}")
        if kind == "readiness" and (is_out or not wrong):
            self._set_ready(ready=not wrong)
        elif kind == "startup" and not wrong:
            life.started.set()
        elif is_out:
            self._tell("Killing", f"Container {self.container.name} failed {kind} probe, will be restarted")
            life.doomed.set()

    def _become(self, state: dict[str, Any]) -> None:
        with self._changing:
            self._status["state"] = state

    def _set_ready(self, *, ready: bool) -> None:
        with self._changing:
            if self._status["ready"] != ready:
                self._status["ready"], self._ready_changed = ready, _now()

    def _tell(self, reason: str, message: str) -> None:
        about = {"kind": "Pod", "namespace": NAMESPACE, "name": self.container.name}
        about["fieldPath"] = f"spec.containers{{{self.container.name}}}"
        with self._changing:
            new = {"reason": reason, "message": message, "count": 0, "firstTimestamp": _now(), "involvedObject": about}
            event = self._events.setdefault((reason, message), new)
            event["count"] += 1
            event["lastTimestamp"] = _now()


def _now() -> str:
    return written(datetime.now(UTC))


def written(at: datetime) -> str:
    """Give a time as a cluster writes it, in UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
