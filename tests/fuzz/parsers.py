"""Every parser of foreign bytes: what it must survive, what it may raise, and good examples to begin from."""

import gzip
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from cryptography.utils import CryptographyDeprecationWarning

from bot.adapters.audits.archives import zip_h1
from bot.adapters.audits.gosource import GoFiles
from bot.adapters.audits.gotree import GoFile
from bot.adapters.audits.probes import describe
from bot.adapters.targets.handshake import served
from bot.domain import go_recipes, proc
from bot.domain.audits import Audited, judge
from bot.domain.buildinfo import BuildInfoMissing, read_build_info
from bot.domain.costs import ProfileMalformed
from bot.domain.elf import MOST_ENTRIES, ElfMalformed, read_elf
from bot.domain.errors import FirstFiveError
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.faults import Beside, probe_loop
from bot.domain.go_environment import is_exempt, openings
from bot.domain.goroutine_counts import group_counts
from bot.domain.goroutine_dump import count, group
from bot.domain.goroutines import DumpMalformed, group_profile
from bot.domain.loading import lacks
from bot.domain.modules import sums_of
from bot.domain.pods import find_pod, tell_pod
from bot.domain.proc import ProcMalformed
from bot.domain.profile import decode
from bot.domain.protobuf import number_bytes
from bot.domain.redaction import redact_bytes, redact_profile
from bot.domain.restarts import read_restarts
from bot.domain.snapshot import CHEAP_PARTS, HEAP_GC, KERNEL_PARTS, RESTARTS, TLS, captured, cpu_part
from bot.domain.sumdb.dirhash import ModuleRefused
from bot.domain.sumdb.notes import NoteRefused, opened, read_key
from bot.domain.sumdb.records import H1, RecordRefused, read_record, read_sums
from bot.domain.sumdb.tree import MAX_SIZE, ProofRefused, inclusion_nodes, read_head
from tests.authority import leaf, root
from tests.gomodules.log import Log
from tests.unit.domain import go_profiles
from tests.unit.domain.elves import elf
from tests.unit.domain.go_profiles import main_frame


@dataclass(frozen=True)
class Parser:
    """`read` may raise `refuses`, which tells a person what is wrong, and nothing else."""

    read: Callable[[bytes], object]
    refuses: type[FirstFiveError]
    examples: tuple[bytes, ...]


def _pprof(data: bytes) -> None:
    """Decode a profile and use it in every way there is; what decodes can be redacted, and decodes then too."""
    found = decode(data, 1 << 20)
    group_profile(found)
    for kind in found.types:
        found.top(kind.name)
        found.total(kind.name)
        found.share(kind.name, lambda function: "main" in function)
        found.by_frame(kind.name, lambda stack: stack[0] if stack else None)
    assert decode(data, 1 << 20, stacks=False).total("cpu") == found.total("cpu")
    assert len(decode(redact_profile(data)).samples) == len(found.samples)


def _dump(data: bytes) -> None:
    found = group(data)
    assert found.total == sum(each.count for each in found.groups)
    assert 0 < found.total <= data.count(b"goroutine ")
    count(data)


def _counts(data: bytes) -> None:
    found = group_counts(data)
    assert found.total == sum(each.count for each in found.groups)


def _build_info(data: bytes) -> None:
    read_build_info(lambda at, size: data[at : at + size], len(data))


def _elf(data: bytes) -> None:
    """Read a program that is its own loader and all of its libraries, and look for what it lacks."""

    def read(at: int, size: int) -> bytes:
        assert 0 <= size <= 16 * MOST_ENTRIES
        return data[at : at + size]

    found = read_elf(read)
    lacks(found, "/srv/checkout", lambda _: found, ("/opt/lib",))


def _tables(data: bytes) -> None:
    """Read a text as each table of /proc: every one may refuse it in its own words."""
    refused = [error for read in _TABLES if (error := _refusal(read, data)) is not None]
    assert all(str(error) for error in refused)


def _sockets(data: bytes) -> None:
    sockets = list(proc.read_sockets(io.BytesIO(data), "tcp"))
    told = proc.tally(sockets, {each.port for each in sockets[:1]})
    assert sum(told.machine.values()) == len(sockets)
    for each in sockets:
        proc.endpoint(each.peer)


_TABLES: tuple[Callable[[bytes], object], ...] = (
    _sockets,
    proc.read_memory,
    proc.read_file_limit,
    proc.read_start,
    proc.read_boot,
    proc.read_uptime,
    proc.read_port_range,
    proc.read_cgroups,
    proc.read_limit,
    proc.read_cores,
    proc.read_throttling,
)


def _refusal(read: Callable[[bytes], object], data: bytes) -> ProcMalformed | None:
    try:
        read(data)
    except ProcMalformed as error:
        return error
    return None


def _redaction(data: bytes) -> None:
    clean = redact_bytes(data)
    assert redact_bytes(clean) == clean


def _capture(data: bytes) -> None:
    """Examine a target that gave the same bytes for everything: it never raises."""
    parts = (*CHEAP_PARTS, *KERNEL_PARTS, TLS, RESTARTS, cpu_part(2), HEAP_GC)
    facts = examine([captured("checkout-1", part, data, 0.1) for part in parts])
    assert facts.target == "checkout-1"


def _pods(data: bytes) -> None:
    """Read it as a cluster's answer, and what is kept of that, by the rule as well."""
    try:
        listed = json.loads(data)["items"]
        assert isinstance(listed, list)
    except (ValueError, LookupError, TypeError, RecursionError, AssertionError):
        return
    for pod in listed:
        told = tell_pod(find_pod([pod], "checkout-1", ("10.1.2.3",), (6060,)), listed, (6060,), "")
        found = read_restarts(json.loads(json.dumps(told)))
        probe_loop.find(Facts("checkout-1", restarts=found), Beside())


def _go(data: bytes) -> None:
    described = describe(GoFiles((GoFile("main.go", data), GoFile("other.go", data))))
    judge(Audited.PROBES, json.loads(json.dumps(described)))


def _note(data: bytes) -> None:
    assert opened(data, _KEY, lambda *_: True) == data[: data.rindex(b"\n\n") + 1].decode()


def _key(data: bytes) -> None:
    assert len(read_key(data.decode("utf-8", "replace")).public) == 32


def _head(data: bytes) -> None:
    found = read_head(data.decode("utf-8", "replace"))
    assert 0 <= found.size <= MAX_SIZE
    inclusion_nodes(found.size - 1, found.size)


def _record(data: bytes) -> None:
    found = read_record(data)
    assert data.startswith(b"%d\n" % found.number) or data[:1] == b"0"
    assert all(lines for lines in found.sums.values())


def _sums(data: bytes) -> None:
    """Read it as a go.sum, and as the files of a repository."""
    assert all(lines for lines in read_sums(data).values())
    sums_of({"go.mod": data, "go.sum": data, "a/go.mod": data, "a/go.sum": data}, "example.com/c")


def _recipes(data: bytes) -> None:
    """Read it as a file that builds, and judge what it sets."""
    for each in go_recipes.settings({"Dockerfile": data}):
        openings({each.name: each.value})
        is_exempt({each.name: each.value}, "example.com/a")


def _archive(data: bytes) -> None:
    assert H1.fullmatch(zip_h1(io.BytesIO(data), "example.com/c", "v1.0.0"))


_LOG = Log()
_LOG.fill(3)
_KEY = read_key(_LOG.key)


def _certificate(data: bytes) -> None:
    """Read what somebody serves as its certificate; what is odd in it is cryptography's to warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        found = served(data, datetime.now(UTC))
    assert found.subject
    assert json.dumps(asdict(found))


_RAW = go_profiles.raw_profile(
    go_profiles.HEAP, [((main_frame("work"), *go_profiles.SERVE), (1, 64, 1, 64), {"user": "ada"})]
)
_CPU = go_profiles.raw_profile(go_profiles.CPU, [((main_frame("work"),), (3, 30_000_000))])
_DUMP = (
    b"goroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d\n\n"
    b"goroutine 7 gp=0xc000 m=0 mp=0x5 [chan receive (leaked), 5 minutes, locked to thread]:\n"
    b"main.f({0x1?, 0x2}, ...)\n\t/src/a b.go:45 +0x2f fp=0x1 sp=0x2 pc=0x3\n...20 frames elided...\n"
    b"created by main.main in goroutine 1\n\t/src/main.go:9 +0x2f\n"
)
_PANIC = (
    b"panic: runtime error: index out of range [3]\n\n"
    b"goroutine 1 [running]:\nmain.main()\n\t/m.go:1 +0x1\nexit status 2\n"
)
_COUNTS = (
    b'goroutine profile: total 3\n2 @ 0x43a 0x47b\n# labels: {"k":"v"}\n#\t0x43a\tmain.f+0x1a\t/src/main.go:10\n'
    b"#\t0x47b\tmain.main+0x2\t/src/main.go:3\n\n1 @ 0x1\n#\t0x1\n"
)
_TEXT = (
    b'path\texample.com/c\nmod\texample.com/c\t(devel)\t\nbuild\t-ldflags="-X a=\\"b\\""\nbuild\tvcs.revision=1a2b\n'
)
_BINARY = (
    bytes(32) + b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    + b"\x08go1.27.3" + number_bytes(len(_TEXT) + 32) + bytes(16) + _TEXT + bytes(16)
)  # fmt: skip
_ELVES = (
    elf(
        interpreter="/lib/ld.so",
        needed=["a.so", "b.so"],
        runpath="$ORIGIN:/x",
        needs={"a.so": ["A_1"]},
        defines=["A_2"],
    ),
    elf(wide=False, order=">", machine=8, needed=["a.so"]),
)
_TCP = (
    b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    b"   0: 0100007F:17AC 0200000A:1538 01 00000002:00000000 00:00000000 00000000  0  0 111 1 0 100 0 0 10 0\n"
)
_PROC = (
    _TCP,
    b"VmRSS:\t    1024 kB\nVmSize:\t 4 kB\nThreads:\t7\n",
    b"Limit  Soft Limit  Hard Limit  Units\nMax open files  1024  4096  files\n",
    b"42 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 9 0 777 1 2\n",
    b"cpu 1 2\nbtime 1700000000\n",
    b"100000 50000\n",
    b"max 100000\n",
    b"0::/system.slice/checkout.service\n4:memory:/pods\n",
    b"nr_periods 10\nnr_throttled 3\nthrottled_usec 77\n",
    b"32768\t60999\n",
    b"8.5 16.0\n",
)

_POD = json.dumps(
    {
        "items": [
            {
                "reason": "Killing",
                "message": "Container c failed liveness probe, will be restarted",
                "lastTimestamp": "2026-11-29T03:00:40Z",
                "metadata": {"name": "checkout-1"},
                "spec": {"containers": [{"name": "c", "livenessProbe": {"httpGet": {"path": "/", "port": "http"}}}]},
                "status": {
                    "conditions": [{"type": "Ready", "lastTransitionTime": "2026-11-29T02:00:00Z"}],
                    "containerStatuses": [
                        {
                            "name": "c",
                            "restartCount": 2,
                            "ready": False,
                            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                            "lastState": {
                                "terminated": {
                                    "exitCode": 143,
                                    "startedAt": "2026-11-29T03:00:00Z",
                                    "finishedAt": "2026-11-29T03:00:40Z",
                                }
                            },
                        }
                    ],
                },
            }
        ]
    }
).encode()
_GO = (
    b'package main\nimport "net/http"\nfunc live(w http.ResponseWriter, r *http.Request) { db.Ping() }\n'
    b'func main() { http.HandleFunc("/livez", live); s := &http.Server{ReadTimeout: 5 * time.Second}; s.Serve(l) }\n'
)
_LINES = f"example.com/a v1.0.0 h1:{'A' * 43}=\nexample.com/a v1.0.0/go.mod h1:{'B' * 43}=\n".encode()


def _module() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name in ("go.mod", "c.go"):
            out.writestr(zipfile.ZipInfo(f"example.com/c@v1.0.0/{name}"), b"package c\n" * 9)
    return made.getvalue()


PARSERS = {
    "pods": Parser(_pods, FirstFiveError, (_POD,)),
    "go source": Parser(_go, FirstFiveError, (_GO,)),
    "note": Parser(_note, NoteRefused, (_LOG.note(),)),
    "key": Parser(_key, NoteRefused, (_LOG.key.encode(),)),
    "head": Parser(_head, ProofRefused, (_LOG.note(),)),
    "record": Parser(_record, RecordRefused, (_LOG.answer("example.com/filler1", "v1.0.0") or b"",)),
    "go.sum": Parser(_sums, FirstFiveError, (_LINES,)),
    "recipes": Parser(_recipes, FirstFiveError, (b'ENV GOSUMDB=off GOFLAGS="-mod=mod"\nRUN rm -f go.sum\n',)),
    "module zip": Parser(_archive, ModuleRefused, (_module(),)),
    "pprof": Parser(_pprof, ProfileMalformed, (_RAW, _CPU, gzip.compress(_RAW, mtime=0))),
    "dump": Parser(_dump, DumpMalformed, (_DUMP, _PANIC)),
    "counts": Parser(_counts, DumpMalformed, (_COUNTS,)),
    "elf": Parser(_elf, ElfMalformed, _ELVES),
    "buildinfo": Parser(_build_info, BuildInfoMissing, (_BINARY,)),
    "proc": Parser(_tables, ProcMalformed, _PROC),
    "redaction": Parser(
        _redaction, FirstFiveError, (b'password="hunter2" key: users\nAuthorization: Bearer abc.def\n', _DUMP)
    ),
    "certificate": Parser(
        _certificate, FirstFiveError, (leaf(root()).der, leaf(None, ["shop.test", "10.0.0.1"], traced=True).der)
    ),
    "capture": Parser(_capture, FirstFiveError, (_RAW, _DUMP, _COUNTS, b'{"states": {"LISTEN": 1}}\n')),
}


def survive(parser: Parser, data: bytes) -> None:
    """Let a parser read; what it refuses, it refuses in words."""
    refused = None
    try:
        parser.read(data)
    except parser.refuses as error:
        refused = error
    assert refused is None or str(refused)
