"""The process runs out of files by sockets, or the machine out of ports by connections that were closed."""

from dataclasses import dataclass

from bot.domain.facts import Facts, Process, Sockets
from bot.domain.faults.finding import (
    CERTAIN,
    LIKELY,
    Beside,
    Evidence,
    Finding,
    at_least,
    percent,
    probe_evidence,
    suffers,
)

FAULT = "socket-exhaustion"
MIN_FILES = 100
MAX_FILES_SHARE = 0.8
"""Of the limit of open files: at all of it no connection is accepted or opened any more."""
MIN_SOCKETS = 0.5
"""Of the open files, alike: otherwise it is not sockets that fill the limit."""
MAX_PORTS_SHARE = 0.25
"""Of the ports that the machine hands out. Measured on a lab service: 27-33 % when sick, below 1 % when well."""
TIME_WAIT_S = 60.0
"""So long the kernel keeps a port in TIME_WAIT (TCP_TIMEWAIT_LEN)."""
MIN_DIALLED = 2_000
"""Bytes allocated for each connection that is opened: two buffers of 4 kB over HTTP, less without."""
MIN_OPENED, MIN_GROWN = 100, 8
"""Connections to one peer that only become more; a pool stops growing at its bound, and grows in steps."""
MAX_ATTENDED, MIN_ABANDONED_SHARE = 2.0, 0.3
"""Connections whose client left for each goroutine of the process, so that most have nobody; and what of the limit of
open files that is worth being woken for."""
MIN_PORT_SHARE, MIN_PORT_CORES = 0.3, 0.2
"""Of its CPU, and cores at least: a search costs next to nothing while ports are free."""
CLOSE = "Close every connection that is accepted or opened, on errors too, and give idle ones a deadline"
SOON_S = 900.0
"""An end of files or ports that is nearer than this is worth being woken for."""


@dataclass(frozen=True)
class Alike:
    """Sockets of one kind that a process has open: how many, what they are, their part, what to do, how many more."""

    count: int
    whose: str
    part: str
    fix: str
    grown: int = 0


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a process near its limit of files by sockets that are alike, or that will be; or ports in TIME_WAIT."""
    return (
        _out_of_files(facts)
        or _abandoned(facts)
        or _leaks_connections(facts)
        or _out_of_ports(facts, beside)
        or _searches_ports(facts)
    )


def _last(facts: Facts) -> tuple[Process | None, Sockets | None]:
    window = facts.window
    return (
        (window.process if window and window.process else facts.process),
        (window.sockets if window and window.sockets else facts.sockets),
    )


def _out_of_files(facts: Facts) -> Finding | None:
    process, sockets = _last(facts)
    if process is None or not process.fds or not process.fd_limit or process.fds < MIN_FILES:
        return None
    share = process.fds / process.fd_limit
    most = _most_alike(process, sockets)
    if share < MAX_FILES_SHARE or most.count < MIN_SOCKETS * process.fds:
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{process.fds} of {process.fd_limit} files are open ({percent(share)}), {most.count} of them {most.whose}.",
        (
            Evidence("open files", f"{process.fds} of {process.fd_limit}", facts.file("process")),
            Evidence(most.whose, str(most.count), facts.file(most.part)),
            *_states(facts),
            *probe_evidence(facts),
        ),
        f"{most.fix}; a higher limit of open files (ulimit -n) wins time.",
        min(share, 1.0),
        CERTAIN,
        f"Less than half of {process.fd_limit} files are open.",
    )


def _most_alike(process: Process, sockets: Sockets | None) -> Alike:
    """Give the larger kind: connections that it opened to one peer, or those of its clients."""
    opened, held = process.peer_sockets or 0, process.sockets or 0
    taken = sockets.count("ESTABLISHED") + sockets.count("CLOSE_WAIT") if sockets else 0
    if max(opened, taken) < MIN_SOCKETS * (process.fds or 0) <= held:
        return Alike(held, "sockets", "process", CLOSE)
    if opened >= taken:
        return Alike(opened, f"connections to {process.peer}", "process", _reuse(process))
    return Alike(taken, "connections of its clients", "sockets", "Set IdleTimeout and ReadHeaderTimeout of http.Server")


def _reuse(process: Process) -> str:
    return (
        f"Close what is opened to {process.peer} (each response's Body, also on errors), reuse one client, and "
        "bound it (MaxConnsPerHost, SetMaxOpenConns)"
    )


def _abandoned(facts: Facts) -> Finding | None:
    """Find connections that their clients have closed and that nobody here is at work for: they are never closed."""
    process, sockets = _last(facts)
    if process is None or sockets is None or not process.fds or not process.fd_limit or facts.goroutines is None:
        return None
    left = sockets.count("CLOSE_WAIT")
    if left < max(MIN_OPENED, MIN_SOCKETS * process.fds, MAX_ATTENDED * facts.goroutines):
        return None
    if process.fds < MIN_ABANDONED_SHARE * process.fd_limit:
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{left} connections were closed by their clients and are kept here (CLOSE_WAIT), with only {facts.goroutines} "
        f"goroutines to close any; {process.fds} of {process.fd_limit} files are open.",
        (
            Evidence("connections whose client left", f"{left} CLOSE_WAIT", facts.file("sockets")),
            Evidence("goroutines", str(facts.goroutines), facts.file("goroutine")),
            Evidence("open files", f"{process.fds} of {process.fd_limit}", facts.file("process")),
            *probe_evidence(facts),
        ),
        "Close every connection that is accepted or hijacked when a read says EOF, on errors too; a higher limit of "
        "open files (ulimit -n) wins time.",
        min(process.fds / process.fd_limit, 1.0),
        CERTAIN,
        "CLOSE_WAIT falls to a few, and stays there under load.",
    )


def _leaks_connections(facts: Facts) -> Finding | None:
    """Find connections that only become more, to one peer or with nobody to attend to them, and will fill the files."""
    first, window = facts.process, facts.window
    last = window.process if window else None
    if first is None or last is None or window is None or not window.seconds:
        return None
    more = _more(facts, first, last)
    if more is None:
        return None
    ports = facts.sockets.ephemeral_ports if facts.sockets else 0
    bound = min(each for each in (last.fd_limit, ports or None, 1 << 30) if each)
    left_s = (bound - max(more.count, last.fds or 0)) * window.seconds / more.grown
    if left_s > SOON_S:
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{more.count} {more.whose} are open, {more.grown} more than {window.seconds:.1f} s before: at this pace "
        f"there are no files or ports left in {left_s / 60:.0f} min.",
        (
            Evidence(more.whose, f"{more.count}, {more.grown} more", facts.file("process-2")),
            Evidence("open files", f"{last.fds} of {last.fd_limit}", facts.file("process-2")),
            *probe_evidence(facts),
        ),
        f"{more.fix}.",
        min(more.count / bound, 1.0),
        LIKELY,
        f"The number of {more.whose} stays the same under load.",
    )


def _more(facts: Facts, first: Process, last: Process) -> Alike | None:
    """Give what became more between the readings: connections to one peer, or sockets without goroutines for them."""
    opened = last.peer_sockets or 0
    grown = opened - (first.peer_sockets or 0) if first.peer == last.peer else 0
    if opened >= MIN_OPENED and grown >= MIN_GROWN:
        return Alike(opened, f"connections to {last.peer}", "process-2", _reuse(last), grown)
    held, after = last.sockets or 0, facts.window.goroutines if facts.window else None
    grown = held - first.sockets if first.sockets is not None else 0
    if held < MIN_OPENED or grown < MIN_GROWN or after is None or facts.goroutines is None:
        return None
    alone = after - facts.goroutines < MIN_SOCKETS * grown and held > MAX_ATTENDED * after
    return Alike(held, "sockets that hardly a goroutine attends to", "process-2", CLOSE, grown) if alone else None


def _out_of_ports(facts: Facts, beside: Beside) -> Finding | None:
    """Find ports that wait in TIME_WAIT: connections of clients that this process closes, or its own to a peer."""
    _, sockets = _last(facts)
    if sockets is None or not sockets.ephemeral_ports:
        return None
    taken = sockets.count("TIME_WAIT")
    peer, opened, grown = _closed(facts)
    waiting = max(taken, opened)
    share = waiting / sockets.ephemeral_ports
    pace = _pace(facts) if taken >= opened else grown
    soon = pace * TIME_WAIT_S / sockets.ephemeral_ports
    harm = suffers(facts.probe) or pace > 0 or beside.far_exceeded(waiting, _waiting, floor=100)
    if max(share, soon) < MAX_PORTS_SHARE or not harm or waiting < MIN_FILES:
        return None
    if taken >= opened:
        whose = "connections at its ports"
        fix = (
            "Keep connections alive: no `Connection: close`, no SetKeepAlivesEnabled(false), an IdleTimeout above the "
            "clients' own."
        )
    else:
        whose = f"connections to {peer}"
        fix = f"Keep connections to {peer} alive: one http.Client, MaxIdleConnsPerHost as "
        fix += "large as the number in use, each response's Body read to its end and closed."
    more = f", {pace:.0f} more every second" if pace >= 1 else ""
    return Finding(
        FAULT,
        facts.target,
        f"{waiting} {whose} are closed and wait in TIME_WAIT{more}, {percent(share)} of the "
        f"{sockets.ephemeral_ports} ports that the machine hands out.",
        (*_states(facts), *probe_evidence(facts)),
        fix,
        min(max(share, soon), 1.0),
        CERTAIN if facts.window is not None else LIKELY,
        f"TIME_WAIT falls within the {TIME_WAIT_S:.0f} s that the kernel keeps it.",
    )


def _searches_ports(facts: Facts) -> Finding | None:
    """Find a process that spends its CPU on the kernel's search for a free port: hardly any is left.

    On such a machine the tables of its sockets may take too long to be read at all.
    """
    cpu = facts.cpu
    if cpu is None or at_least(cpu.port_share, cpu.samples) < MIN_PORT_SHARE or cpu.cores < MIN_PORT_CORES:
        return None
    dialling = [each for each in facts.crowds if each.state == "dial"]
    if not dialling:
        return None
    place, number = dialling[0].frame, sum(each.count for each in dialling)
    return Finding(
        FAULT,
        facts.target,
        f"{percent(cpu.port_share)} of its CPU go to the search for a free port: {number} goroutines open connections "
        f"at {place}, and hardly a local port is left.",
        (
            Evidence("CPU in the search for a port", percent(cpu.port_share), facts.file("cpu")),
            Evidence(f"dialling at {place}", str(number), facts.latest("goroutine")),
            *_states(facts),
            *probe_evidence(facts),
        ),
        f"Keep the connections alive that {place} opens: one client or pool, and no connection for each call.",
        min(cpu.port_share, 1.0),
        LIKELY,
        "Opening a connection takes microseconds of CPU again, and TIME_WAIT falls within a minute.",
    )


def _pace(facts: Facts) -> float:
    """Give how many more of its clients' connections wait in TIME_WAIT every second; 0 where that was not seen."""
    window, before = facts.window, facts.sockets
    if window is None or not window.seconds or window.sockets is None:
        return 0.0
    if before is None:
        return window.sockets.count("TIME_WAIT") / TIME_WAIT_S  # all of them are younger than that
    return max(window.sockets.count("TIME_WAIT") - before.count("TIME_WAIT"), 0) / window.seconds


def _closed(facts: Facts) -> tuple[str, int, float]:
    """Give the peer to which it opened most connections that are closed, how many wait, and how many more a second.

    One in TIME_WAIT belongs to no process any more: a process that still has some to the same peer, or that is seen
    to open as many, has opened these. Where ports run out, they become no more.
    """
    first, last = facts.process, facts.window.process if facts.window else facts.process
    seconds = facts.window.seconds if facts.window else 0.0
    if last is not None and last.peer and last.peer_waiting:
        earlier = (first.peer_waiting or 0) if first is not None and first.peer == last.peer else 0
        pace = max(last.peer_waiting - earlier, 0) / seconds if seconds and earlier else 0.0
        return last.peer, last.peer_waiting, pace
    window = facts.window
    if window is None or window.sockets is None or facts.sockets is None or not window.sockets.closed_to or not seconds:
        return "", 0, 0.0
    before = dict(facts.sockets.closed_to)
    more, peer = max((count - before.get(peer, count), peer) for peer, count in window.sockets.closed_to)
    if more > 0 and window.dialled_bytes >= MIN_DIALLED * more:
        return peer, before[peer] + more, more / seconds
    peer, most = window.sockets.closed_to[0]
    if window.dialled_bytes < MIN_DIALLED * most * window.memory_s / TIME_WAIT_S or not window.dialled_bytes:
        return "", 0, 0.0
    return peer, most, most / TIME_WAIT_S


def _waiting(facts: Facts) -> float | None:
    return None if facts.sockets is None else float(facts.sockets.count("TIME_WAIT"))


def _states(facts: Facts) -> tuple[Evidence, ...]:
    if facts.sockets is None:
        return ()
    return (Evidence("sockets at its ports", str(facts.sockets), facts.file("sockets")),)
