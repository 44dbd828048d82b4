"""The kernel's tables as values: sockets, memory, limits, starts, cgroups. Pure; what is damaged says where.

Formats: Documentation/filesystems/proc.rst and admin-guide/cgroup-v2.rst of Linux.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple

from bot.domain.errors import FirstFiveError

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

NO_LIMIT = 1 << 60
"""cgroup v1 writes a limit that is none as a number near 2^63."""
MAX_PORT = 65_535
MAX_KEPT = 2_000
"""Sockets, or peers, of which more than a number is kept."""
SOCKET_FIELDS = 10
"""So many fields of a socket are read; the kernel writes more."""
START_FIELD = 19
"""The start of a process among what follows its name in /proc/PID/stat."""
SHOWN = 40
"""Signs of a damaged line that are shown."""


class ProcMalformed(FirstFiveError):
    """A table of the kernel is not what it should be; says which table, which line, and what stands there."""


class Socket(NamedTuple):
    """One line of /proc/net/tcp; `local` and `peer` as they stand there, which `endpoint` reads."""

    local: str
    port: int
    peer: str
    state: str
    unsent: int
    inode: str


@dataclass(frozen=True)
class Tally:
    """Sockets counted: those at some ports by state, those with unsent bytes, all of the machine by state.

    `listening` are at these ports; `opened` are the (inode, peer) of connections at none of them. `stuck`: unsent bytes
    by inode, at these ports; `waiting`: sockets in TIME_WAIT by peer, at none of them. Both are bounded.
    """

    states: Mapping[str, int]
    unsent: int
    machine: Mapping[str, int]
    listening: tuple[Socket, ...]
    opened: tuple[tuple[str, str], ...]
    stuck: Mapping[str, int]
    waiting: Mapping[str, int]


@dataclass(frozen=True)
class Memory:
    """What a process has in memory now and had at most, bytes; None where the kernel does not say."""

    rss_bytes: int | None
    peak_bytes: int | None


@dataclass(frozen=True)
class Cgroup:
    """Where a process is in the tree of one controller; version 2 has one tree, its controller is ""."""

    controller: str
    path: str


@dataclass(frozen=True)
class Throttling:
    """Scheduling periods of a cgroup with a CPU quota: how many passed, and in how many it had to stand still."""

    periods: int
    throttled: int


def read_sockets(lines: Iterable[bytes], table: str) -> Iterator[Socket]:
    """Read /proc/net/tcp or tcp6 line by line, the heading left out.

    :raises ProcMalformed: at the line that is none, when it is reached.
    """
    for number, line in enumerate(lines, 1):
        if number == 1:
            continue
        try:
            yield _socket(line.decode("ascii").split())
        except (ValueError, IndexError):
            raise _malformed(table, line, "is no socket", number) from None


def _socket(fields: list[str]) -> Socket:
    local, state = fields[1], STATES.get(fields[3], fields[3])
    port = int(local.partition(":")[2], 16)
    unsent = int(fields[4].partition(":")[0], 16)
    if not 0 <= port <= MAX_PORT or len(fields) < SOCKET_FIELDS or unsent < 0 or not fields[9].isdecimal():
        raise ValueError(local)
    return Socket(local, port, fields[2], state, 0 if state == "LISTEN" else unsent, fields[9])


def tally(sockets: Iterable[Socket], ports: AbstractSet[int]) -> Tally:
    """Count sockets in one pass; those in TIME_WAIT belong to no process any more, only their peers are known."""
    states: Counter[str] = Counter()
    machine: Counter[str] = Counter()
    unsent = 0
    listening: list[Socket] = []
    opened: list[tuple[str, str]] = []
    stuck: dict[str, int] = {}
    waiting: Counter[str] = Counter()
    for each in sockets:
        machine[each.state] += 1
        if each.port in ports:
            states[each.state] += 1
            unsent += each.unsent > 0
            if each.state == "LISTEN":
                listening.append(each)
            elif each.unsent and each.inode != "0" and len(stuck) < MAX_KEPT:
                stuck[each.inode] = each.unsent
        elif each.state == "TIME_WAIT":
            if each.peer in waiting or len(waiting) < MAX_KEPT:
                waiting[each.peer] += 1
        elif each.inode != "0" and each.state != "LISTEN":
            opened.append((each.inode, each.peer))
    return Tally(dict(states), unsent, dict(machine), tuple(listening), tuple(opened), stuck, waiting)


def address(text: str, order: Literal["little", "big"] = sys.byteorder) -> str:
    """Read the address of `local` or `peer`: words of four bytes, each in the machine's own order.

    :raises ProcMalformed: it is none.
    """
    digits = text.partition(":")[0]
    try:
        words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
        found = ip_address(b"".join(word[::-1] if order == "little" else word for word in words))
    except ValueError:
        raise ProcMalformed(f"{text[:SHOWN]!r} is no address") from None
    return str((found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found)


def endpoint(text: str) -> str:
    """Read an address with its port.

    :raises ProcMalformed: it is none.
    """
    try:
        port = int(text.partition(":")[2], 16)
    except ValueError:
        raise ProcMalformed(f"{text[:SHOWN]!r} is no address with a port") from None
    host = address(text)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_memory(status: bytes) -> Memory:
    """Read /proc/PID/status.

    :raises ProcMalformed: an amount is no number of kB.
    """
    pairs = {name: value for name, _, value in (line.partition(b":") for line in status.splitlines())}
    return Memory(_kilobytes(pairs, b"VmRSS"), _kilobytes(pairs, b"VmHWM"))


def _kilobytes(pairs: Mapping[bytes, bytes], name: bytes) -> int | None:
    if name not in pairs:
        return None
    return _number(pairs[name].strip().removesuffix(b" kB"), f"status: {name.decode()}") * 1024


def read_file_limit(limits: bytes) -> int | None:
    """Read /proc/PID/limits: how many files may be open, None for any number.

    :raises ProcMalformed: the line is not there, or holds no limit.
    """
    name = b"Max open files"
    line = next((line for line in limits.splitlines() if line.startswith(name)), b"")
    soft = line.removeprefix(name).split()[:1]
    if soft == [b"unlimited"]:
        return None
    return _number(soft[0] if soft else b"", "limits: Max open files")


def read_start(stat: bytes) -> int:
    """Read /proc/PID/stat: when the process started, in clock ticks since the machine did.

    :raises ProcMalformed: there is no such number.
    """
    fields = stat.rpartition(b")")[2].split()
    return _number(fields[START_FIELD] if len(fields) > START_FIELD else b"", "stat: start")


def read_state(stat: bytes) -> str:
    """Read /proc/PID/stat: the letter for what the process does; "" when it is not told."""
    return stat.rpartition(b")")[2].strip()[:1].decode("ascii", "replace")


def read_boot(stat: bytes) -> int:
    """Read /proc/stat: when the machine started, in seconds since 1970.

    :raises ProcMalformed: there is no such number.
    """
    line = next((line for line in stat.splitlines() if line.startswith(b"btime ")), b"")
    return _number(line.removeprefix(b"btime "), "stat: btime")


def read_uptime(uptime: bytes) -> float:
    """Read /proc/uptime: seconds since the machine started.

    :raises ProcMalformed: there is no such number.
    """
    whole, _, part = _words(uptime, 1)[0].partition(b".")
    return float(_number(whole, "uptime") + _number(part or b"0", "uptime") / 10.0 ** len(part))


def read_port_range(text: bytes) -> tuple[int, int]:
    """Read /proc/sys/net/ipv4/ip_local_port_range: the first and the last port that are handed out.

    :raises ProcMalformed: these are not two ports in order.
    """
    low, high = (_number(each, "ip_local_port_range") for each in _words(text, 2))
    if not low <= high <= MAX_PORT:
        raise _malformed("ip_local_port_range", text, "is no range of ports")
    return low, high


def read_cgroups(text: bytes) -> tuple[Cgroup, ...]:
    """Read /proc/PID/cgroup, `number:controllers:path` a line; a path that leads upwards is none.

    :raises ProcMalformed: a line is not of this form.
    """
    found: list[Cgroup] = []
    for number, line in enumerate(text.splitlines(), 1):
        _, _, rest = line.decode("utf-8", "replace").partition(":")
        controllers, _, path = rest.partition(":")
        if not path.startswith("/") or "\0" in path:
            raise _malformed("cgroup", line, "has no path", number)
        if ".." not in path.split("/"):
            found += [Cgroup(each, path) for each in controllers.split(",")]
    return tuple(found)


def read_limit(text: bytes) -> int | None:
    """Read memory.max or memory.limit_in_bytes; None for no limit.

    :raises ProcMalformed: it is neither a number nor `max`.
    """
    if text.strip() == b"max":
        return None
    limit = _number(text.strip(), "memory limit")
    return limit if limit < NO_LIMIT else None


def read_cores(cpu_max: bytes) -> float | None:
    """Read cpu.max, or the quota and the period of version 1 together: cores that may be used; None for all.

    :raises ProcMalformed: there is no quota, or no period.
    """
    quota, period = _words(cpu_max, 2)
    if quota in {b"max", b"-1"}:
        return None
    if not (of := _number(period, "cpu.max")):
        raise _malformed("cpu.max", cpu_max, "has no period")
    return round(_number(quota, "cpu.max") / of, 3)


def read_throttling(cpu_stat: bytes) -> Throttling | None:
    """Read cpu.stat, of version 2 or 1; None where no periods are counted, as there was never a quota.

    :raises ProcMalformed: a count is no number.
    """
    pairs = {name: value for name, _, value in (line.partition(b" ") for line in cpu_stat.splitlines())}
    if b"nr_periods" not in pairs or b"nr_throttled" not in pairs:
        return None
    return Throttling(
        _number(pairs[b"nr_periods"], "cpu.stat: nr_periods"), _number(pairs[b"nr_throttled"], "cpu.stat: nr_throttled")
    )


def read_variables(environ: bytes, names: AbstractSet[str]) -> dict[str, str]:
    """Read these variables, and no other, of /proc/PID/environ: as they were when the process started."""
    pairs = (entry.decode("utf-8", "replace").partition("=") for entry in environ.split(b"\0"))
    return {name: value for name, _, value in pairs if name in names}


def _words(text: bytes, count: int) -> tuple[bytes, ...]:
    """Give the first words of a text, empty ones where it has fewer."""
    return tuple([*text.split(), *([b""] * count)][:count])


def _number(text: bytes, where: str) -> int:
    """Read a number of at most 20 digits: more are in no table."""
    if not text.isdigit() or len(text) > 20:  # noqa: PLR2004 - 2^64 has so many
        raise _malformed(where, text, "is no number")
    return int(text)


def _malformed(table: str, text: bytes, what: str, line: int = 0) -> ProcMalformed:
    place = f"{table}, line {line}" if line else table
    return ProcMalformed(f"{place}: {text[:SHOWN].decode('utf-8', 'backslashreplace')!r} {what}")
