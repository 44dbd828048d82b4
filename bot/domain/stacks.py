"""Go stacks: which frame is the service's own, and what a goroutine waits for."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

# fmt: off
STANDARD_ROOTS = frozenset((
    "archive", "bufio", "builtin", "bytes", "cmp", "compress", "container", "context", "crypto", "database",
    "debug", "embed", "encoding", "errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index",
    "internal", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect",
    "regexp", "runtime", "simd", "slices", "sort", "strconv", "strings", "structs", "sync", "syscall",
    "testing", "text", "time", "type", "unicode", "unique", "unsafe", "vendor", "weak",
))
# fmt: on
"""First path elements of the packages under $GOROOT/src of Go 1.27; a module path begins with none of them."""

HANDLER_ROOTS = (
    "net/http.HandlerFunc.ServeHTTP",
    "net/http.(*conn).serve",
    "net/http.(*http2serverConn).runHandler",
    "net/http/internal/http2.(*serverConn).runHandler",
    "google.golang.org/grpc.(*Server).handleStream",
)
"""Frames below which a goroutine answers one request. HTTP/2 has a package of its own in Go 1.27."""

ACCEPTS = frozenset({"net.(*TCPListener).Accept", "net.(*TCPListener).AcceptTCP", "net.(*UnixListener).Accept"})
LISTENERS = frozenset({"runtime", "internal/poll", "net", "crypto/tls"})
"""Packages that a call for the next connection goes through before it reaches who accepts it."""

CONNECTION_ROOTS = frozenset(HANDLER_ROOTS[1:])
"""Those of them that hold the client's connection or stream: a handler in a goroutine without one answers another."""

UNREAD = "answer unread"
"""The wait of a handler whose client takes no more bytes of its answer."""
UNREAD_STREAM = "stream unread"
"""The same over HTTP/2, whose flow control stops the handler before anything waits in the socket."""

WAITS = {
    "runtime.chansend": "chan send",
    "runtime.chansend1": "chan send",
    "runtime.chanrecv": "chan receive",
    "runtime.chanrecv1": "chan receive",
    "runtime.chanrecv2": "chan receive",
    "runtime.selectgo": "select",
    "runtime.block": "select (no cases)",
    "internal/poll.runtime_pollWait": "IO wait",
    "internal/poll.(*pollDesc).waitWrite": UNREAD,
    "net.(*Dialer).DialContext": "dial",
    "sync.(*Mutex).Lock": "sync.Mutex.Lock",
    "internal/sync.(*Mutex).Lock": "sync.Mutex.Lock",
    "sync.(*RWMutex).RLock": "sync.RWMutex.RLock",
    "sync.(*RWMutex).Lock": "sync.RWMutex.Lock",
    "sync.(*WaitGroup).Wait": "sync.WaitGroup.Wait",
    "sync.(*Cond).Wait": "sync.Cond.Wait",
    "time.Sleep": "sleep",
    "net.(*Resolver).lookupIPAddr": "name lookup",
    "net/http.(*Transport).getConn": "HTTP connection",
    "net/http.(*persistConn).roundTrip": "HTTP answer",
    "net/http.(*http2ClientConn).roundTrip": "HTTP answer",
    "net/http/internal/http2.(*ClientConn).roundTrip": "HTTP answer",
    "net/http.checkConnErrorWriter.Write": UNREAD,
    "net/http.(*http2serverConn).writeDataFromHandler": UNREAD_STREAM,
    "net/http/internal/http2.(*serverConn).writeDataFromHandler": UNREAD_STREAM,
    "database/sql.(*DB).conn": "SQL connection",
}
"""Function -> the words of a debug=2 dump (waitReasonStrings in runtime/runtime2.go, Go 1.27): a debug=0 profile has
the frames only."""

LOCK_WAITS = frozenset({"sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock", "semacquire"})
"""Waits for a lock. Before Go 1.21 the runtime said `semacquire` for all of them."""

QUEUE_WAITS = frozenset(
    {"chan send", "chan receive", "select", "sync.Cond.Wait", "semacquire", "HTTP connection", "SQL connection"}
)
"""Waits for a turn or a value from another goroutine, as in a pool; an I/O wait or a sleep is not one."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call: function with its package path, source file, line (0 when unknown)."""

    function: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.function} ({short_file(self.file)}:{self.line})" if self.file else self.function


def short_file(path: str) -> str:
    """Keep the last two elements of a path: enough to find it, nothing about the build machine."""
    return "/".join(path.rsplit("/", 2)[-2:])


@lru_cache(maxsize=65536)
def package(function: str) -> str:
    """Give the package path of a function: `a/b.(*T).M` -> `a/b`."""
    slash = function.rfind("/", 0, _brackets(function)) + 1
    dot = function.find(".", slash)
    return function if dot < 0 else function[:dot]


def _brackets(function: str) -> int:
    """Give where type arguments begin: `f[a/b.T]` holds slashes that are not the function's own."""
    at = function.find("[")
    return len(function) if at < 0 else at


@lru_cache(maxsize=65536)
def is_standard(function: str) -> bool:
    """Tell whether a function belongs to the runtime or the standard library."""
    head, _, rest = package(function).partition("/")
    return head.partition(":")[0] in STANDARD_ROOTS or (not rest and head != "main" and "." not in function)


def own_frame(stack: Sequence[Frame], module: str = "") -> Frame | None:
    """Give the innermost frame of the service itself, or of a library it uses when there is none.

    `stack` is innermost first, `module` the path of the service's module ("" when unknown).
    """
    library: Frame | None = None
    for frame in stack:
        if is_mine(frame, module):
            return frame
        if library is None and not is_standard(frame.function):
            library = frame
    return library


def own_path(stack: Sequence[Frame], module: str = "") -> tuple[Frame, ...]:
    """Give the service's own frames of a stack, innermost first."""
    return tuple(frame for frame in stack if is_mine(frame, module))


@lru_cache(maxsize=65536)
def is_mine(frame: Frame, module: str) -> bool:
    """Tell whether a frame is the service's own; without its module, by where the source of libraries lies."""
    if module:
        return is_own(frame.function, module)
    fetched = "@v" in frame.file or "/vendor/" in frame.file  # the module cache, and `go mod vendor`
    return not is_standard(frame.function) and not fetched


def is_own(function: str, module: str) -> bool:
    """Tell whether a function belongs to the module (or to package main)."""
    path = package(function)
    return path in {"main", module} or path.startswith(module + "/")


def in_handler(stack: Sequence[Frame], servers: AbstractSet[str] = frozenset()) -> bool:
    """Tell whether a request is answered (idle connections and pprof's own handler do not), over HTTP or by `servers`.

    `servers` is what the function of that name gives of all goroutines of the process.
    """
    functions = [frame.function for frame in stack]
    if any(name.startswith("net/http/pprof.") for name in functions):
        return False
    over_http = any(name in HANDLER_ROOTS for name in functions) and own_frame(stack) is not None
    return over_http or (bool(servers) and is_called(stack, servers))


def servers(stacks: Iterable[Sequence[Frame]]) -> frozenset[str]:
    """Give the packages that accept connections themselves, without net/http: gRPC, or a protocol of their own.

    `main` is not among them: it holds everything in a small program, and says nothing of who answers requests.
    """
    found = set()
    for stack in stacks:
        if any(frame.function in ACCEPTS for frame in stack):
            outside = next((frame for frame in stack if package(frame.function) not in LISTENERS), None)
            if outside is not None and not is_standard(outside.function):
                found.add(package(outside.function))
    return frozenset(found - {"main"})


def is_called(stack: Sequence[Frame], servers: AbstractSet[str]) -> bool:
    """Tell whether such a server has called the code that a stack is in: its own readers and writers have not."""
    called = [frame for frame in stack if not is_standard(frame.function)]
    if not called or package(called[-1].function) not in servers:
        return False
    return any(package(frame.function) not in servers for frame in called)


def waits_for(stack: Sequence[Frame]) -> str:
    """Say what a goroutine waits for in the words of a dump; "" when it runs or the wait is not known.

    The outermost of the leading standard frames decides: a mutex waits through a semaphore, and it is the mutex
    that tells something.
    """
    found = ""
    for frame in stack:
        if not is_standard(frame.function):
            break
        found = WAITS.get(frame.function, found)
    return found
