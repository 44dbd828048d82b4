"""What one target's snapshot says, as values: the ground on which faults are found and targets compared.

A fact that could not be had is None: never 0, and never taken for healthy.
"""

from dataclasses import dataclass, field, replace

from bot.domain.backends import Routed
from bot.domain.binary import Binary
from bot.domain.expected import Expected
from bot.domain.goroutines import Group
from bot.domain.handshakes import Handshakes
from bot.domain.log_lines import LogSummary
from bot.domain.modules import Modules
from bot.domain.restarts import Restarts
from bot.domain.snapshot import Probe
from bot.domain.stacks import Frame
from bot.domain.stamp import Stamp
from bot.domain.sumdb.records import Sums

SMALL_HEAP = 16_000_000
"""Bytes. Measured on lab services: 2-3 MB alive where objects are only thrown away, 137-144 MB where the collector
has much to follow."""


@dataclass(frozen=True)
class Place:
    """A frame and how much of something is there; `share` is 0..1 of all of it."""

    frame: Frame
    amount: int
    share: float


@dataclass(frozen=True)
class Crowd:
    """Goroutines at one own line in one state ("" is none known: they run, or could), of requests or of others.

    `path`: their calls outside of the standard library, innermost first. `before`: how many the first of two readings
    saw; `stayed`: how many are in the very same call as then. None where that was not seen. `allocating`: so many are
    about to get memory.
    """

    frame: Frame
    state: str
    request: bool
    count: int
    path: tuple[Frame, ...] = ()
    before: int | None = None
    stayed: int | None = None
    longest_wait_min: int = 0
    allocating: int = 0

    @property
    def grown(self) -> int:
        """How many more there are than at the first reading; 0 when that was not seen."""
        return 0 if self.before is None else self.count - self.before


@dataclass(frozen=True)
class Spent:
    """What was spent at an own line between two readings: how often, and seconds of all goroutines together.

    `state`: for what, in the words of a dump, where the line waited.
    """

    frame: Frame
    times: int
    seconds: float
    path: tuple[Frame, ...] = ()
    state: str = ""

    @property
    def mean_s(self) -> float:
        """Seconds of one time."""
        return self.seconds / self.times if self.times else 0.0


@dataclass(frozen=True)
class Made:
    """Memory of an own line between two readings, in bytes: allocated, and by how much more it holds at the end.

    `request`: it is made while a request is answered. `kept` at the end, `freed` of all it ever made.
    """

    frame: Frame
    allocated: int
    grown: int
    kept: int
    freed: int = 0
    request: bool = False


@dataclass(frozen=True)
class Window:
    """What went on between the two readings of a target, `seconds` apart. None: not seen by both, so not known.

    `locks` by the line that unlocks, `blocked` by the line that waited; `sockets` and `process` as they are at the end.
    `memory` is of two collections, `memory_s` apart; `dialled_bytes` were allocated for new connections. `unmoved`:
    connections whose client took no byte in all that time.
    """

    seconds: float
    goroutines: int | None = None
    handling: int | None = None
    attended: int | None = None
    orphans: int = 0
    locks: tuple[Spent, ...] | None = None
    blocked: tuple[Spent, ...] | None = None
    memory: tuple[Made, ...] | None = None
    memory_s: float = 0.0
    allocated_bytes: int | None = None
    grown_bytes: int | None = None
    dialled_bytes: int = 0
    sockets: "Sockets | None" = None
    unmoved: int | None = None
    process: "Process | None" = None


@dataclass(frozen=True)
class Cpu:
    """A CPU profile: samples taken, cores used, shares (0..1) of collecting and allocating, where the time goes.

    `gc_share` is the collector in the background and in goroutines made to help it, the latter being `assist_share`.
    `port_share`: the kernel looks for a free local port.
    `under`: own functions with all that they call, at their dearest line, innermost first among equals; `serving`: own
    functions again, but only where they answer a request.
    """

    samples: int
    seconds: float
    cores: float
    gc_share: float
    malloc_share: float
    top: tuple[Place, ...]
    own: tuple[Place, ...]
    allocating: tuple[Place, ...]
    assist_share: float = 0.0
    port_share: float = 0.0
    under: tuple[Place, ...] = ()
    serving: tuple[Place, ...] = ()

    @property
    def memory_share(self) -> float:
        """The part of it that collects or allocates; who helps the collector in allocating is counted once."""
        return min(self.gc_share + self.malloc_share, 1.0)


@dataclass(frozen=True)
class Heap:
    """Live heap in bytes at the last collection, and the own lines that hold most of it.

    `current`: a collection was forced just before, so that this is the heap of now. `part` says so.
    """

    inuse_bytes: int
    inuse_objects: int
    holding: tuple[Place, ...]
    current: bool = False
    part: str = "heap"

    @property
    def small(self) -> bool:
        """Whether following what is alive costs a collection next to nothing."""
        return self.inuse_bytes < SMALL_HEAP


@dataclass(frozen=True)
class Build:
    """Which program it is. `id` is the linker's build id; the rest is its binary's own, or what the service tells.

    `modified`: whether it holds changes that no commit does; None: not known.
    `release` is the name that the service gives itself, "" where it tells none. `environment`: what of its environment
    changes how Go runs it; None: not known. `told` is the commit that the service tells over HTTP, `stamp` what was
    stamped into it, `runs_in` the environment that it was started in, by its own variable; "" where that is not known.
    """

    id: str = ""
    go: str = ""
    module: str = ""
    revision: str = ""
    modified: bool | None = None
    release: str = ""
    environment: tuple[tuple[str, str], ...] | None = None
    told: str = ""
    stamp: Stamp = field(default=Stamp())
    runs_in: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anything tells which program it is."""
        return bool(self.id or self.go or self.revision or self.release)

    def __str__(self) -> str:
        name = (self.revision or self.id)[:7] or "unknown"
        return f"{name} (modified)" if self.modified else name


@dataclass(frozen=True)
class Sockets:
    """Sockets of the target's own ports by state; `ephemeral_ports` is how many local ports the machine hands out.

    `closed_to`: where most of the machine's connections led that are closed and wait (TIME_WAIT), and how many.
    """

    states: tuple[tuple[str, int], ...]
    unsent: int = 0
    ephemeral_ports: int = 0
    closed_to: tuple[tuple[str, int], ...] = ()

    def count(self, state: str) -> int:
        """Give the number of sockets in one state."""
        return dict(self.states).get(state, 0)

    def __str__(self) -> str:
        return ", ".join(f"{count} {state}" for state, count in self.states) or "no sockets"


@dataclass(frozen=True)
class Process:
    """What the kernel says of the process; bytes, counts, seconds since it started; None where unknown.

    `sockets` of its `fds` are sockets. `peer` is where most of the connections lead that it opened itself,
    `peer_sockets` how many; `peer_waiting` more that are closed and wait (TIME_WAIT). `cpus` it may run on. In
    `cpu_throttled` of `cpu_periods` (100 ms each, since its cgroup was made) it stood still, as `cpu_limit_cores` were
    used up. `state` is the kernel's letter for what it does: R runs, S sleeps, T was stopped.
    """

    pid: int
    fds: int | None = None
    sockets: int | None = None
    fd_limit: int | None = None
    rss_bytes: int | None = None
    rss_peak_bytes: int | None = None
    memory_limit_bytes: int | None = None
    uptime_s: float | None = None
    peer: str | None = None
    peer_sockets: int | None = None
    peer_waiting: int | None = None
    cpus: int | None = None
    cpu_limit_cores: float | None = None
    cpu_periods: int | None = None
    cpu_throttled: int | None = None
    state: str | None = None


@dataclass(frozen=True)
class Loss:
    """A part that is not there, and why."""

    part: str
    status: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """Everything known of one target. `groups` are its largest goroutine groups, `leaked` those proven leaked.

    `pace_s` is how long the target took for what costs it next to nothing: on a busy machine everything is slow.
    `handling` requests are answered; of `attended` of them nothing says that the client has left (HTTP/1 tells).
    `orphans` are handlers that no connection waits for any more. `expected` is what should run there, `tls` how
    connections of its users begin, `routed` what a router sent there.
    `restarts`: how the container that it runs in is probed and was ended.
    `binary` is the program held against its host.
    """

    target: str
    goroutines: int | None = None
    groups: tuple[Group, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    handling: int = 0
    attended: int | None = None
    orphans: int = 0
    leaked: int | None = None
    leaked_groups: tuple[Group, ...] = ()
    heap: Heap | None = None
    cpu: Cpu | None = None
    mutex_delay_s: float | None = None
    mutex: tuple[Place, ...] = ()
    window: Window | None = None
    pace_s: float = 0.0
    build: Build = Build()
    modules: Modules | None = None
    sockets: Sockets | None = None
    process: Process | None = None
    probe: Probe | None = None
    log: LogSummary | None = None
    tls: Handshakes | None = None
    losses: tuple[Loss, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    expected: Expected | None = None
    routed: Routed | None = None
    restarts: Restarts | None = None
    binary: Binary | None = None

    def file(self, part: str) -> str:
        """Give the name in the archive of a part, "" when it is not there."""
        return dict(self.files).get(part, "")

    def latest(self, part: str) -> str:
        """Give the name in the archive of a part's second reading, or of its only one."""
        return self.file(f"{part}-2") or self.file(part)


def with_sums(facts: Facts, recorded: Sums | None, verified: Sums) -> Facts:
    """Add to a target's modules what is written down of them, and what was proven."""
    if facts.modules is None:
        return facts
    return replace(facts, modules=replace(facts.modules, recorded=recorded, verified=verified))
