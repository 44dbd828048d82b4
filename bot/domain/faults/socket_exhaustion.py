"""The process runs out of files by sockets, or the machine out of ports by connections that were closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.facts import Facts, Process, Sockets
from bot.domain.faults.finding import Beside, Evidence, Finding, percent, probe_evidence, stands_out, suffers

FAULT = "socket-exhaustion"
MIN_FILES = 100
MAX_FILES_SHARE = 0.8
"""Of the limit of open files: at all of it no connection is accepted or opened any more."""
MIN_SOCKETS = 0.5
"""Of the open files, alike: otherwise it is not sockets that fill the limit."""
MAX_PORTS_SHARE = 0.25
"""Of the ports that the machine hands out. Measured on a lab service: 27-33 % when sick, below 1 % when well."""


@dataclass(frozen=True)
class Alike:
    """Sockets of one kind that a process has open, the part that counts them, and what to do about them."""

    count: int
    whose: str
    part: str
    fix: str


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a process near its limit of files by sockets that are alike, or ports that wait in TIME_WAIT."""
    return _out_of_files(facts) or _out_of_ports(facts, beside.others)


def _out_of_files(facts: Facts) -> Finding | None:
    process = facts.process
    if process is None or not process.fds or not process.fd_limit or process.fds < MIN_FILES:
        return None
    share = process.fds / process.fd_limit
    most = _most_alike(process, facts.sockets)
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
        f"{most.fix}; a higher limit of open files (ulimit -n) wins time. It worked when less than half of "
        f"{process.fd_limit} are open.",
        min(share, 1.0),
    )


def _most_alike(process: Process, sockets: Sockets | None) -> Alike:
    """Give the larger kind: connections that it opened to one peer, or those of its clients."""
    opened = process.peer_sockets or 0
    taken = sockets.count("ESTABLISHED") + sockets.count("CLOSE_WAIT") if sockets else 0
    if opened >= taken:
        fix = (
            f"Close what is opened to {process.peer} (each response's Body, also on errors), reuse one client, and "
            "bound it (MaxConnsPerHost, SetMaxOpenConns)"
        )
        return Alike(opened, f"connections to {process.peer}", "process", fix)
    return Alike(taken, "connections of its clients", "sockets", "Set IdleTimeout and ReadHeaderTimeout of http.Server")


def _out_of_ports(facts: Facts, others: Sequence[Facts]) -> Finding | None:
    sockets = facts.sockets
    if sockets is None or not sockets.ephemeral_ports:
        return None
    waiting = sockets.count("TIME_WAIT")
    share = waiting / sockets.ephemeral_ports
    elsewhere = [each.sockets.count("TIME_WAIT") for each in others if each.sockets is not None]
    if share < MAX_PORTS_SHARE or not (suffers(facts.probe) or stands_out(waiting, elsewhere, floor=100)):
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{waiting} connections at its ports are closed and wait in TIME_WAIT, {percent(share)} of the "
        f"{sockets.ephemeral_ports} ports that the machine hands out.",
        (*_states(facts), *probe_evidence(facts)),
        "Keep connections alive: no `Connection: close`, no SetKeepAlivesEnabled(false), an IdleTimeout above the "
        "clients' own. It worked when TIME_WAIT falls within the minute that the kernel keeps it.",
        min(share, 1.0),
    )


def _states(facts: Facts) -> tuple[Evidence, ...]:
    if facts.sockets is None:
        return ()
    return (Evidence("sockets at its ports", str(facts.sockets), facts.file("sockets")),)
