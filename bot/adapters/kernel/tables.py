"""What the kernel knows of a target on this machine: sockets by state, files, memory, limits, and its binary."""

import asyncio
import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from bot.adapters.kernel.binaries import Binaries, build_of
from bot.domain import binary
from bot.domain import proc as read
from bot.domain.addresses import Endpoint
from bot.domain.buildinfo import BuildInfoMissing
from bot.domain.go_environment import DEPLOYED, RUNTIME, VARIABLES
from bot.domain.redaction import redact_bytes
from bot.domain.service import Target
from bot.domain.snapshot import BINARY, BUILD, KERNEL_PARTS, PROCESS, SOCKETS, Captured, Part, captured, missed, skipped

MAX_SOCKETS = 500_000
KEPT_SOCKETS = 50_000
SAME_MOMENT_S = 0.5
MAX_FILES = 200_000
"""Bounds of what is read; a process has seldom more, and a machine that has is not asked for longer."""
MAX_TEXT_BYTES = 256 * 1024
"""Of every table but that of sockets; none is a tenth of it."""
PEERS = 10
"""Peers named to which most of the machine's connections in TIME_WAIT led."""
TIMEOUT_S = 3.0
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Place:
    """Where a process listens: its ports, the process's own first, and the addresses of that one (empty: any)."""

    ports: tuple[int, ...]
    addresses: frozenset[str] = frozenset()


class NotHere(Exception):
    """The target is not a process that this one can look at; says why."""


def is_ours(address: str) -> bool:
    """Tell whether an address belongs to this machine: the kernel lets us bind to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def place_of(endpoints: Sequence[Endpoint], ours: Callable[[str], bool] = is_ours) -> Place:
    """Give the place of a target whose vetted address is one of this machine; `endpoints` are its own, pprof first.

    :raises NotHere: it is elsewhere.
    """
    if sys.platform != "linux":
        raise NotHere("only Linux tells this")
    local = [each for each in endpoints if any(map(ours, each.addresses))]
    if not local or local[0] is not endpoints[0]:
        raise NotHere("not on this machine: `firstfive agent` beside it could tell")
    return Place(tuple(dict.fromkeys(each.port for each in local)), frozenset(local[0].addresses))


class LocalKernel:
    """Reads /proc in a thread, for targets whose vetted address is one of this machine."""

    def __init__(
        self,
        *,
        proc: Path = Path("/proc"),
        cgroup: Path = Path("/sys/fs/cgroup"),
        ours: Callable[[str], bool] = is_ours,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernel = Kernel(proc, cgroup, monotonic)
        self._ours = ours
        self._monotonic = monotonic

    async def capture(self, target: Target, endpoints: Sequence[Endpoint]) -> tuple[Captured, ...]:
        """Capture what the kernel knows of a target; `endpoints` are its vetted ones, pprof first."""
        started = self._monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.to_thread(self._capture, target, endpoints)
        except NotHere as reason:
            return tuple(skipped(target.name, part, f"{target.name}: {reason}") for part in KERNEL_PARTS)
        except TimeoutError:
            late = f"{target.name}: /proc was not read in {TIMEOUT_S:g} s"
            return tuple(missed(target.name, part, late, self._monotonic() - started) for part in KERNEL_PARTS)

    def _capture(self, target: Target, endpoints: Sequence[Endpoint]) -> tuple[Captured, ...]:
        return self._kernel.capture(target.name, place_of(endpoints, self._ours), target.binary)


class Kernel:
    """Reads the tables of this machine's kernel."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        cgroup: Path = Path("/sys/fs/cgroup"),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proc = proc
        self._cgroup = cgroup
        self._binaries = Binaries(proc)
        self._monotonic = monotonic
        self._alone, self._looking = Lock(), Lock()
        self._read: tuple[read.Socket, ...] = ()
        self._read_at: float | None = None
        self._owners: dict[str, int] = {}
        self._looked_at: float | None = None

    def capture(self, name: str, place: Place, file: str | None = None) -> tuple[Captured, ...]:
        """Capture what is known of the process at a place, each part recorded whatever becomes of it.

        `file` is the program that is started there.
        """
        started = self._monotonic()
        sockets = cache(lambda: self._sockets(place))
        pid = cache(lambda: self._pid(place, sockets(), started))

        def record(part: Part, document: Callable[[], Mapping[str, Any]]) -> Captured:
            try:
                content = json.dumps(document(), sort_keys=True, indent=1).encode() + b"\n"
                cut = sum(sockets().machine.values()) >= MAX_SOCKETS and part is SOCKETS
                error = f"{name}: the machine has more sockets than {MAX_SOCKETS}: these were counted" if cut else ""
                return captured(name, part, redact_bytes(content), self._monotonic() - started, error)
            except NotHere as reason:
                return skipped(name, part, f"{name}: {reason}")
            except BuildInfoMissing as reason:
                # No program of Go, or none that says so: it would not tell more if it were asked again.
                return skipped(name, part, f"{name}: {part.name} could not be read: {reason}")
            except (OSError, read.ProcMalformed) as error:
                reason_text = f"{name}: {part.name} could not be read: {_reason(error)}"
                return missed(name, part, reason_text, self._monotonic() - started)

        return (
            record(SOCKETS, lambda: self._socket_document(place, sockets())),
            record(PROCESS, lambda: self._process_document(pid(), sockets())),
            record(BUILD, lambda: self._build_document(pid())),
            record(BINARY, lambda: self._binary_document(place, sockets(), pid, file)),
        )

    def _sockets(self, place: Place) -> read.Tally:
        return read.tally(self._all_sockets(), frozenset(place.ports))

    def _all_sockets(self) -> Iterable[read.Socket]:
        """Give the machine's sockets; they are read once for all targets that are asked at the same moment."""
        with self._alone:
            if self._read_at is None or self._monotonic() - self._read_at > SAME_MOMENT_S:
                self._read = tuple(islice(self._each_socket(), min(KEPT_SOCKETS + 1, MAX_SOCKETS)))
                self._read_at = self._monotonic()
            kept = self._read
        return kept if len(kept) <= KEPT_SOCKETS else islice(self._each_socket(), MAX_SOCKETS)

    def _each_socket(self) -> Iterator[read.Socket]:
        for name in ("tcp", "tcp6"):
            try:
                with (self._proc / "net" / name).open("rb") as lines:
                    yield from read.read_sockets(lines, f"/proc/net/{name}")
            except FileNotFoundError:
                continue  # a kernel without IPv6

    def _socket_document(self, place: Place, sockets: read.Tally) -> Mapping[str, Any]:
        low, high = read.read_port_range(self._text("sys/net/ipv4/ip_local_port_range"))
        return {
            "ports": sorted(place.ports),
            "states": dict(sockets.states),
            "unsent": sockets.unsent,
            "stuck": dict(sockets.stuck),
            "closed_to": {read.endpoint(peer): count for peer, count in Counter(sockets.waiting).most_common(PEERS)},
            "ephemeral_ports": high - low + 1,
            "machine": dict(sockets.machine),
        }

    def _pid(self, place: Place, sockets: read.Tally, since: float) -> int:
        """Find the process that listens on the first port; who began after tables were read is looked for anew."""
        owner = self._owner(place, sockets)
        if owner is None and self._forget(since):
            owner = self._owner(place, self._sockets(place))
        if owner is None:
            raise NotHere(
                f"no process of ours listens on port {place.ports[0]}: another user's, or in another container"
            )
        return owner

    def _owner(self, place: Place, sockets: read.Tally) -> int | None:
        owners = self._all_owners()
        found = (owners[link] for link in _listening(place, sockets) if link in owners)
        return min((pid for pid in found if (self._proc / str(pid)).exists()), default=None)

    def _forget(self, since: float) -> bool:
        """Forget what was read before a moment; tell whether there was such."""
        with self._looking, self._alone:
            is_old = any(at is not None and at < since for at in (self._read_at, self._looked_at))
            if is_old:
                self._read_at = self._looked_at = None
        return is_old

    def _all_owners(self) -> Mapping[str, int]:
        """Give the process of each socket that listens; looked up once for all targets that are asked together."""
        with self._looking:
            if self._looked_at is None or self._monotonic() - self._looked_at > SAME_MOMENT_S:
                wanted = {f"socket:[{each.inode}]" for each in self._all_sockets() if each.state == "LISTEN"}
                pids = sorted((int(each.name) for each in self._proc.iterdir() if each.name.isdecimal()), reverse=True)
                self._owners = {link: pid for pid in pids for link in self._links(pid) if link in wanted}
                self._looked_at = self._monotonic()
            return self._owners

    def _links(self, pid: int) -> Iterator[str]:
        try:
            with os.scandir(self._proc / str(pid) / "fd") as files:
                for file in islice(files, MAX_FILES):
                    with suppress(FileNotFoundError):  # closed meanwhile
                        yield os.readlink(file.path)  # noqa: PTH115 - of thousands, a Path each takes most of the time
        except OSError:
            return  # it ended, or is another user's

    def _process_document(self, pid: int, sockets: read.Tally) -> Mapping[str, Any]:
        memory = read.read_memory(self._text(f"{pid}/status"))
        stat = self._text(f"{pid}/stat")
        started_s = read.read_start(stat) / os.sysconf("SC_CLK_TCK")
        booted_at = read.read_boot(self._text("stat"))
        links = tuple(self._links(pid))
        return {
            "pid": pid,
            "state": read.read_state(stat),
            "cpus": _cpus(pid),
            "fds": len(links) or None,
            "sockets": sum(link.startswith("socket:") for link in links),
            "fd_limit": read.read_file_limit(self._text(f"{pid}/limits")),
            "rss_bytes": memory.rss_bytes,
            "rss_peak_bytes": memory.peak_bytes,
            "uptime_s": round(read.read_uptime(self._text("uptime")) - started_s, 1),
            "started_at": datetime.fromtimestamp(booted_at + started_s, UTC).isoformat(timespec="seconds"),
            **self._limits(read.read_cgroups(self._text(f"{pid}/cgroup"))),
            **_busiest_peer(links, sockets),
        }

    def _limits(self, cgroups: Sequence[read.Cgroup]) -> Mapping[str, Any]:
        """Give the lowest limits on the way up the process's cgroups, and how often the CPU's was felt."""
        memory = [
            limit
            for file in self._files(cgroups, "memory", "memory.max", "memory.limit_in_bytes")
            if (limit := read.read_limit(file)) is not None
        ]
        periods = zip(
            self._files(cgroups, "cpu", "cpu.max", "cpu.cfs_quota_us"),
            self._files(cgroups, "cpu", "cpu.max", "cpu.cfs_period_us"),
            strict=False,
        )
        cores = [each for quota, period in periods if (each := read.read_cores(quota + b" " + period)) is not None]
        felt = [
            said
            for file in self._files(cgroups, "cpu", "cpu.stat", "cpu.stat")
            if (said := read.read_throttling(file)) is not None and said.periods
        ]
        worst = max(felt, key=lambda each: each.throttled, default=None)
        return {
            "memory_limit_bytes": min(memory, default=None),
            "cpu_limit_cores": min(cores, default=None),
            "cpu_periods": worst.periods if worst else None,
            "cpu_throttled": worst.throttled if worst else None,
        }

    def _files(self, cgroups: Sequence[read.Cgroup], controller: str, name: str, old_name: str) -> Iterator[bytes]:
        """Give the files of a controller on the way up, of version 2 by `name` or 1 by `old_name`."""
        for each in cgroups:
            if each.controller not in {"", controller}:
                continue
            base = self._cgroup / each.controller
            place = base / each.path.lstrip("/")
            for folder in (place, *place.parents):
                if folder.is_relative_to(base):
                    yield from _content(folder / (old_name if each.controller else name))

    def _build_document(self, pid: int) -> Mapping[str, Any]:
        info = build_of(self._proc / str(pid) / "exe")
        return {
            "go": info.go,
            "path": info.path,
            "module": info.module,
            "settings": dict(info.settings),
            # In lists: a name beside a value would read like a secret to whatever redacts.
            "dependencies": [[each.path, each.version, each.sum, each.replaces] for each in info.dependencies],
            "environment": self._environment(pid),
        }

    def _environment(self, pid: int) -> Mapping[str, str] | None:
        """Give what of it decides where modules come from, how Go runs, and where; None where it must not be read."""
        try:
            return read.read_variables(self._text(f"{pid}/environ"), VARIABLES | RUNTIME | {*DEPLOYED})
        except OSError:
            return None

    def _binary_document(
        self, place: Place, sockets: read.Tally, pid: Callable[[], int], file: str | None
    ) -> Mapping[str, Any]:
        try:
            process = pid()
        except NotHere as reason:
            if not file:
                raise NotHere(f"{reason}; `binary` would name the program that starts there") from reason
            process = None
        listening = bool(_listening(place, sockets))
        return binary.write(self._binaries.capture(process, file, listening=listening))

    def _text(self, name: str) -> bytes:
        with (self._proc / name).open("rb") as file:
            return file.read(MAX_TEXT_BYTES)


def _listening(place: Place, sockets: read.Tally) -> set[str]:
    """Give the links of the sockets that listen on the first port of a place."""
    port, here = place.ports[0], place.addresses | EVERYWHERE
    return {
        f"socket:[{each.inode}]"
        for each in sockets.listening
        if each.port == port and (not place.addresses or read.address(each.local) in here)
    }


def _busiest_peer(links: Sequence[str], sockets: read.Tally) -> Mapping[str, Any]:
    """Give where most of the connections lead, or led in the last minute, that a process opened itself."""
    held = set(links)
    opened = Counter(peer for inode, peer in sockets.opened if f"socket:[{inode}]" in held)
    if not opened:
        return {}
    peer = max(opened, key=lambda each: (opened[each] + sockets.waiting.get(each, 0), each))
    waiting = sockets.waiting.get(peer, 0)
    return {"peer": read.endpoint(peer), "peer_sockets": opened[peer], "peer_waiting": waiting}


def _content(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as content:
            yield content.read(MAX_TEXT_BYTES)
    except OSError:
        return  # a level that sets no such limit


def _reason(error: Exception) -> str:
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)


def _cpus(pid: int) -> int | None:
    """Give on how many CPUs a process may run; None when it has just ended."""
    try:
        return len(os.sched_getaffinity(pid))
    except OSError:
        return None
