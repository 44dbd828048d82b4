"""What the kernel knows of a target on this machine: sockets by state, files, memory, limits, and its binary."""

import asyncio
import ipaddress
import json
import os
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.domain.addresses import Endpoint
from bot.domain.buildinfo import BuildInfoMissing, read_build_info
from bot.domain.redaction import redact_bytes
from bot.domain.service import Target
from bot.domain.snapshot import BUILD, KERNEL_PARTS, PROCESS, SOCKETS, Captured, Part, captured, missed, skipped

MAX_SOCKETS = 500_000
MAX_FILES = 200_000
"""Bounds of what is read; a process has seldom more, and a machine that has is not asked for longer."""
TIMEOUT_S = 3.0
NO_LIMIT = 1 << 60
"""cgroup v1 writes a limit that is none as a number near 2^63."""

STATES = {
    "01": "ESTABLISHED",
    "02": "SYN_SENT",
    "03": "SYN_RECV",
    "04": "FIN_WAIT1",
    "05": "FIN_WAIT2",
    "06": "TIME_WAIT",
    "07": "CLOSE",
    "08": "CLOSE_WAIT",
    "09": "LAST_ACK",
    "0A": "LISTEN",
    "0B": "CLOSING",
    "0C": "NEW_SYN_RECV",
}
"""include/net/tcp_states.h of the kernel."""


@dataclass(frozen=True)
class Socket:
    """One line of /proc/net/tcp."""

    address: str
    port: int
    state: str
    unsent: int
    inode: str
    peer: str


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
        self._proc = proc
        self._cgroup = cgroup
        self._ours = ours
        self._monotonic = monotonic

    async def capture(self, target: Target, endpoints: Sequence[Endpoint]) -> tuple[Captured, ...]:
        """Capture sockets, process and build of a target; `endpoints` are its vetted ones, pprof first."""
        started = self._monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.to_thread(self._capture, target, endpoints, started)
        except TimeoutError:
            reason = f"{target.name}: /proc was not read in {TIMEOUT_S:g} s"
            return tuple(missed(target.name, part, reason, self._monotonic() - started) for part in KERNEL_PARTS)

    def _capture(self, target: Target, endpoints: Sequence[Endpoint], started: float) -> tuple[Captured, ...]:
        try:
            local = self._local(endpoints)
            sockets = self._sockets()
        except NotHere as reason:
            return tuple(skipped(target.name, part, f"{target.name}: {reason}") for part in KERNEL_PARTS)
        documents: list[Captured] = []

        def record(part: Part, read: Callable[[], Mapping[str, Any]]) -> None:
            try:
                content = json.dumps(read(), sort_keys=True, indent=1).encode() + b"\n"
                documents.append(captured(target.name, part, redact_bytes(content), self._monotonic() - started))
            except NotHere as reason:
                documents.append(skipped(target.name, part, f"{target.name}: {reason}"))
            except (OSError, ValueError, BuildInfoMissing) as error:
                reason_text = f"{target.name}: {part.name} could not be read: {error}"
                documents.append(missed(target.name, part, reason_text, self._monotonic() - started))

        record(SOCKETS, lambda: self._socket_document(local, sockets))
        pid = cache(lambda: self._pid(local[0], sockets))
        record(PROCESS, lambda: {**self._process_document(pid()), **self._busiest_peer(pid(), local, sockets)})
        record(BUILD, lambda: self._build_document(pid()))
        return tuple(documents)

    def _local(self, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
        if sys.platform != "linux":
            raise NotHere("only Linux tells this")
        local = [each for each in endpoints if any(map(self._ours, each.addresses))]
        if not local or local[0] is not endpoints[0]:
            raise NotHere("not on this machine: `firstfive agent` beside it could tell")
        return local

    def _sockets(self) -> list[Socket]:
        found: list[Socket] = []
        for name in ("tcp", "tcp6"):
            try:
                with (self._proc / "net" / name).open() as lines:
                    next(lines, None)
                    found += [_socket(line) for line, _ in zip(lines, range(MAX_SOCKETS), strict=False)]
            except FileNotFoundError:
                continue  # a kernel without IPv6
            except OSError as error:
                raise NotHere(f"/proc/net/{name} could not be read: {error.strerror}") from error
        return found

    def _socket_document(self, local: Sequence[Endpoint], sockets: Sequence[Socket]) -> Mapping[str, Any]:
        ports = {each.port for each in local}
        mine = [each for each in sockets if each.port in ports]
        low, high = map(int, (self._proc / "sys/net/ipv4/ip_local_port_range").read_text().split())
        return {
            "ports": sorted(ports),
            "states": dict(Counter(each.state for each in mine)),
            "unsent": sum(each.unsent > 0 for each in mine),
            "ephemeral_ports": high - low + 1,
            "machine": dict(Counter(each.state for each in sockets)),
        }

    def _pid(self, endpoint: Endpoint, sockets: Sequence[Socket]) -> int:
        """Find the process that listens where the endpoint is."""
        here = {*endpoint.addresses, "0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to
        links = {
            f"socket:[{each.inode}]"
            for each in sockets
            if each.state == "LISTEN" and each.port == endpoint.port and each.address in here
        }
        for pid in sorted(int(each.name) for each in self._proc.iterdir() if each.name.isdecimal()):
            if any(link in links for link in self._links(pid)):
                return pid
        raise NotHere(f"no process of ours listens on port {endpoint.port}: another user's, or in another container")

    def _links(self, pid: int) -> Iterator[str]:
        try:
            for file, _ in zip((self._proc / str(pid) / "fd").iterdir(), range(MAX_FILES), strict=False):
                yield str(file.readlink())
        except OSError:
            return  # it ended, or is another user's

    def _busiest_peer(self, pid: int, local: Sequence[Endpoint], sockets: Sequence[Socket]) -> Mapping[str, Any]:
        """Give where most of the connections lead that a process opened itself."""
        ports, links = {each.port for each in local}, set(self._links(pid))
        opened = Counter(
            each.peer
            for each in sockets
            if each.port not in ports and each.state != "LISTEN" and f"socket:[{each.inode}]" in links
        )
        if not opened:
            return {}
        peer, count = opened.most_common(1)[0]
        return {"peer": _endpoint(peer), "peer_sockets": count}

    def _process_document(self, pid: int) -> Mapping[str, Any]:
        folder = self._proc / str(pid)
        status = _pairs((folder / "status").read_text())
        after_name = (folder / "stat").read_text().rpartition(")")[2].split()
        started_s = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        booted_at = int(re.findall(r"^btime (\d+)", (self._proc / "stat").read_text(), re.MULTILINE)[0])
        return {
            "pid": pid,
            "fds": sum(1 for _ in os.scandir(folder / "fd")),
            "fd_limit": _fd_limit((folder / "limits").read_text()),
            "rss_bytes": _kilobytes(status.get("VmRSS", "")),
            "rss_peak_bytes": _kilobytes(status.get("VmHWM", "")),
            "memory_limit_bytes": self._memory_limit(folder),
            "uptime_s": round(float((self._proc / "uptime").read_text().split()[0]) - started_s, 1),
            "started_at": datetime.fromtimestamp(booted_at + started_s, UTC).isoformat(timespec="seconds"),
        }

    def _memory_limit(self, folder: Path) -> int | None:
        """Give the lowest limit on the way up the process's cgroup, of version 2 or 1; None when there is none."""
        limits: list[int] = []
        for line in (folder / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in {"", "memory"}:
                continue
            base = self._cgroup / controllers
            name = "memory.limit_in_bytes" if controllers else "memory.max"
            place = base / path.lstrip("/")
            for each in (place, *place.parents):
                if each.is_relative_to(base):
                    limits += _limit(each / name)
        return min(limits, default=None)

    def _build_document(self, pid: int) -> Mapping[str, Any]:
        with (self._proc / str(pid) / "exe").open("rb") as binary:
            size = os.fstat(binary.fileno()).st_size
            info = read_build_info(lambda at, count: os.pread(binary.fileno(), count, at), size)
        return {"go": info.go, "path": info.path, "module": info.module, "settings": dict(info.settings)}


def _socket(line: str) -> Socket:
    fields = line.split()
    address, _, port = fields[1].partition(":")
    unsent = int(fields[4].partition(":")[0], 16)
    state = STATES.get(fields[3], fields[3])
    return Socket(_address(address), int(port, 16), state, 0 if state == "LISTEN" else unsent, fields[9], fields[2])


def _endpoint(text: str) -> str:
    """Read an address with its port as /proc writes it."""
    words, _, port = text.partition(":")
    address = _address(words)
    return f"[{address}]:{int(port, 16)}" if ":" in address else f"{address}:{int(port, 16)}"


def _address(text: str) -> str:
    """Read an address as /proc writes it: words of four bytes, each in the machine's own order."""
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    return str((address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address)


def _pairs(text: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def _kilobytes(text: str) -> int | None:
    number = text.removesuffix(" kB")
    return int(number) * 1024 if number.isdecimal() else None


def _fd_limit(limits: str) -> int | None:
    line = next((line for line in limits.splitlines() if line.startswith("Max open files")), "")
    soft = line.removeprefix("Max open files").split()[:1]
    return int(soft[0]) if soft and soft[0].isdecimal() else None


def _limit(file: Path) -> list[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdecimal() and int(text) < NO_LIMIT else []
