"""What the files of one folder say to each other, read by their words: that shows what is worth parsing."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from posixpath import dirname

from bot.adapters.audits.go_loggers import MADE, STD, STRUCTURED, TYPES, Fields, Logger
from bot.adapters.audits.gotree import GoFile
from bot.domain.stacks import STANDARD_ROOTS

_OWNER = re.compile(rb"(?<![\w.)\]])(\w+)\.\Z")
_MOST_NAME = 80
_LOGGERS = {STD, *STRUCTURED}
_LOGGING = {"fmt", "os", STD, *STRUCTURED}
_FUNC = re.compile(rb"^func [^\n]*[{(]\r?$", re.MULTILINE)
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_VERSION = re.compile(r"/v\d+$")
_DECLARES = re.compile(rb"^(?:func|type|var|const)\b", re.MULTILINE)
_GENERATED = re.compile(rb"^// Code generated .* DO NOT EDIT\.\r?$", re.MULTILINE)
_IGNORED = re.compile(rb"^//go:build ignore\s*$|^// \+build ignore\s*$", re.MULTILINE)
_CLAUSE = re.compile(rb"^package[ \t]+(\w+)", re.MULTILINE)
_IMPORT = re.compile(
    rb"(?:^|;)[ \t]*(?:import\b[ \t]*(?:\([ \t]*)?)?(?:(\w+|\.)[ \t]+)?[\"`]([\w./~-]+)[\"`]", re.MULTILINE
)
_FUNCTION = re.compile(rb"^func (print(?:ln)?|Print\w*|Fprint\w*|Fatal\w*|Panic\w*)[(\[]", re.MULTILINE)
_FIELD = re.compile(
    rb"^(?:var )?[ \t]*(\w+)[ \t]+(\*?(?:\[\])?[\w.]+)[ \t\r]*(?:`[^\n]*|//[^\n]*|=[^\n]*)?$", re.MULTILINE
)
_TYPED = re.compile(rb"^(?:var |[ \t]+)(\w+)[ \t]+\*?(\w+)\.(\w+)\b", re.MULTILINE)
_EMBEDDED = re.compile(rb"^[ \t]+(\*?(\w+)\.(\w+))[ \t\r]*(?:`[^\n]*|//[^\n]*)?$", re.MULTILINE)
_STRUCT = re.compile(rb"\b(\w+)(?:\[[^\n]*\])?[ \t]+(?:struct|interface)[ \t]*\{")
_METHOD = re.compile(rb"^func \((?:\w+[ \t]+)?\*?(\w+)[^)\n]*\)[ \t]+(\w+)\(", re.MULTILINE)
_GIVEN = re.compile(rb"^(?:var |[ \t]+)(\w+)[ \t]*=[ \t]*(\w+)\.(\w+)\(", re.MULTILINE)
_ALLOWED = re.compile(rb"^([^\n]*?)//[ \t]*firstfive:allow-print\b[ \t:]*([^\n]*)", re.MULTILINE)
_PRINTS = (
    (b"print", rb"(?<![\w.])print(?:ln)?(?=\()"),
    (b"Print", rb"Print(?:f|ln)?(?=\()"),
    (b"Fprint", rb"Fprint(?:f|ln)?(?=\(\s*\w*\.?Std(?:out|err)\b)"),
    (b".Write", rb"(?:(?<=Stdout)|(?<=Stderr))\.(Write(?:String)?)(?=\()"),
)
_LOGS = (
    (b"Msg", rb"Msgf?(?=\()"),
    (b"Send()", rb"Send(?=\(\))"),
    (b"Output(", rb"Output(?=\(\w)"),
    *(
        (word, word + rb"\w*(?=\((?!\)))")
        for word in (b"Trace", b"Debug", b"Info", b"Warn", b"Error", b"Fatal", b"Panic", b"DPanic", b"Log")
    ),
)
_PRINTED, _LOGGED = (
    tuple((word, re.compile(pattern)) for word, pattern in words) for words in (_PRINTS, (*_PRINTS, *_LOGS))
)
"""A pattern that begins with a word is found ten times as fast as one of several."""
_KEYWORDS = {
    b"return",
    b"case",
    b"package",
    b"import",
    b"go",
    b"defer",
    b"goto",
    b"type",
    b"func",
    b"break",
    b"continue",
}
_SERVES = (b".ListenAndServe", b".Serve(", b".ServeTLS(", b".Accept()", b"grpc.NewServer(", b"lambda.Start")
_FRAMEWORKS = (
    "gin-gonic/gin",
    "labstack/echo",
    "gofiber/fiber",
    "go-chi/chi",
    "gorilla/mux",
    "go-kratos/kratos",
    "zeromicro/go-zero",
)
_COMMAND_LINES = (
    "spf13/cobra",
    "spf13/pflag",
    "urfave/cli",
    "alecthomas/kong",
    "alecthomas/kingpin",
    "jessevdk/go-flags",
)


def is_read(source: bytes) -> bool:
    """Tell whether a file is somebody's own source: not generated, and part of a build."""
    head = source[: found.start()] if (found := _CLAUSE.search(source)) else source[:4096]
    return not _GENERATED.search(head) and not _IGNORED.search(head)


def trimmed(source: bytes, kept: Sequence[tuple[int, int]]) -> bytes:
    """Give a file with the functions left out that have none of these places: parsing costs most of the time.

    Lines stay where they are. A function that may be part of a text or a comment, or end in one, is left in.
    """
    parts, done = [], 0
    for found in _FUNC.finditer(source):
        start, end = found.start(), source.find(b"\n}\n", found.end()) + 2
        if start < done or end < found.end() or any(start <= at < end for at, _ in kept):
            continue
        body = source[start:end]
        if any(sign in body for sign in (b"`", b"/*", b"*/", b"\nfunc ")):
            continue
        parts += [source[done:start], b"\n" * body.count(b"\n")]
        done = end
    return b"".join((*parts, source[done:]))


@dataclass(frozen=True)
class Facts:
    """What decides whether a folder is a command line tool's: what it imports, whether it serves or reads words."""

    folder: str
    is_main: bool
    imports: frozenset[str]
    serves: bool
    reads_command_line: bool


class Package:
    """The files of one folder."""

    def __init__(self, files: Sequence[GoFile]) -> None:
        self.files = files
        self._imports: dict[str, Mapping[str, str]] = {}
        self.folder = dirname(files[0].path)
        found = (_CLAUSE.search(file.source) for file in files)
        self.name = next((each[1].decode() for each in found if each), "")
        self.is_main = self.name == "main"

    @cached_property
    def facts(self) -> Facts:
        """What it is a part of."""
        paths = frozenset(path for file in self.files for path in self.imports(file).values())
        return Facts(
            self.folder,
            self.is_main,
            paths,
            _any_of(_FRAMEWORKS, paths) or any(sign in file.source for file in self.files for sign in _SERVES),
            "flag" in paths or _any_of(_COMMAND_LINES, paths) or any(b"os.Args" in file.source for file in self.files),
        )

    def imports(self, file: GoFile) -> Mapping[str, str]:
        """Give the paths that a file imports, by its names for them; "." for what became its own names."""
        if file.path not in self._imports:
            self._imports[file.path] = _imports(file.source)
        return self._imports[file.path]

    def candidates(self, file: GoFile, source: bytes) -> list[tuple[int, int]]:
        """Give where names stand, in bytes, that a call which prints or logs may have; most files have none."""
        known = self.imports(file)
        logs = self._has_loggers or not _LOGGERS.isdisjoint(known.values())
        found = {
            each.span(each.lastindex or 0)
            for word, pattern in (_LOGGED if logs else _PRINTED)
            if word in source
            for each in pattern.finditer(source)
        }
        return sorted(span for span in found if self._may_log(source, span[0], known))

    def _may_log(self, source: bytes, start: int, known: Mapping[str, str]) -> bool:
        """Tell whether the name at a place may be of something that logs, by what stands before it."""
        if source[start - 1 : start] != b".":
            return "." in known or source.startswith(b"print", start)
        owner = _OWNER.search(source, max(0, start - _MOST_NAME), start)
        path = known.get(owner[1].decode()) if owner else None
        return self._has_loggers if path is None else path in _LOGGING

    @cached_property
    def _has_loggers(self) -> bool:
        """Whether values may be loggers here: they always may where a structured library is imported."""
        if not self.facts.imports.isdisjoint(STRUCTURED) or any(b"os.Std" in file.source for file in self.files):
            return True
        return not self.facts.imports.isdisjoint(_LOGGERS) and any(
            b".Logger" in file.source or b"log.New(" in file.source for file in self.files
        )

    @cached_property
    def functions(self) -> frozenset[str]:
        """Those of its functions that are called as what prints is."""
        return frozenset(name.decode() for file in self.files for name in _FUNCTION.findall(file.source))

    @cached_property
    def fields(self) -> Mapping[str, Logger]:
        """The loggers among its fields, by name: what lives as long as a struct has no request's fields."""
        return {name: each for name, each in self._typed.items() if len(self.types(name)) == 1}

    @cached_property
    def embedding(self) -> Mapping[str, Logger]:
        """The loggers that its types embed, by the names of those types, whose methods they are then, too."""
        found = {}
        for file, each, logger in self._embedded:
            owners = _STRUCT.findall(file.source, 0, each.start())
            if owners:
                own = frozenset(name.decode() for name in self._methods[owners[-1]])
                found[owners[-1].decode()] = replace(logger, hidden=own)
        return found

    @cached_property
    def variables(self) -> Mapping[str, Logger]:
        """The loggers among what its files declare for each other."""
        found = dict(self.fields)
        for file in self.files:
            known = self.imports(file)
            for name, package, made in _GIVEN.findall(file.source):
                if logger := MADE.get((known.get(package.decode(), ""), made.decode())):
                    found[name.decode()] = logger
        return found

    def types(self, name: str) -> set[str]:
        """Give the types that fields of a name have, as they are written."""
        return self._types.get(name, set())

    def allowed(self, file: GoFile) -> Mapping[int, str]:
        """Give the reasons why lines may print, by line, "" for none: on the line, above it, or above the package."""
        found: dict[int, str] = {}
        if b"firstfive:allow-print" not in file.source:
            return _Everywhere(self._whole) if self._whole else found
        for each in _ALLOWED.finditer(file.source):
            number = file.source.count(b"\n", 0, each.start()) + 1
            found[number if each[1].strip() else number + 1] = each[2].decode(errors="replace").strip()
        if reason := self._whole:
            return _Everywhere(reason)
        return found

    @cached_property
    def _whole(self) -> str:
        """Give why all of it may print."""
        for file in self.files:
            if b"firstfive:allow-print" not in file.source:
                continue
            clause = _CLAUSE.search(file.source)
            found = _ALLOWED.search(file.source, 0, clause.start()) if clause else None
            if found and found[2].strip():
                return found[2].decode(errors="replace").strip()
        return ""

    @cached_property
    def _types(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for file in self.files:
            for name, kind in _FIELD.findall(file.source):
                if name not in _KEYWORDS:
                    found[name.decode()].add(kind.decode())
        for _, each, _ in self._embedded:
            found[each[3].decode()].add(each[1].decode())
        return found

    @cached_property
    def _typed(self) -> Mapping[str, Logger]:
        found: dict[str, Logger] = {}
        for file in self.files:
            known = self.imports(file)
            for name, package, kind in _TYPED.findall(file.source):
                if library := TYPES.get((known.get(package.decode(), ""), kind.decode())):
                    found[name.decode()] = Logger(library, Fields.NONE)
        return found | {each[3].decode(): logger for _, each, logger in self._embedded}

    @cached_property
    def _embedded(self) -> Sequence[tuple[GoFile, re.Match[bytes], Logger]]:
        """Where a type embeds a logger: the file, the line, the logger."""
        return [
            (file, each, Logger(library, Fields.NONE))
            for file in self.files
            if b"Logger" in file.source or b"Entry" in file.source
            for each in _EMBEDDED.finditer(file.source)
            if (library := TYPES.get((self.imports(file).get(each[2].decode(), ""), each[3].decode())))
        ]

    @cached_property
    def _methods(self) -> Mapping[bytes, set[bytes]]:
        """The names of methods that its files declare, by their types."""
        found: dict[bytes, set[bytes]] = defaultdict(set)
        for file in self.files:
            for kind, name in _METHOD.findall(file.source):
                found[kind].add(name)
        return found


class _Everywhere(Mapping[int, str]):
    """One reason for every line."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __getitem__(self, line: int) -> str:
        return self._reason

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


def tools(packages: Iterable[Facts]) -> frozenset[str]:
    """Give the folders that only command line tools are made of, whose output is what they print.

    A tool is a package main that reads its command line, where neither it nor a package of the same source that it
    imports waits for connections; with it go the packages that no service imports. The standard library can wait for
    whoever asks it to, and does so for those who do.
    """
    known: dict[str, list[Facts]] = defaultdict(list)
    for each in packages:
        known[each.folder].append(each)
    places = _places(known)
    reached: dict[bool, set[str]] = {True: set(), False: set()}
    for folder, facts in known.items():
        if any(each.is_main for each in facts):
            part = _reached(folder, known, places)
            serves = any(each.serves for one in part for each in known[one])
            reads = any(each.reads_command_line for one in part for each in known[one])
            reached[reads and not serves] |= part
    return frozenset(reached[True] - reached[False])


def _any_of(names: Sequence[str], paths: Iterable[str]) -> bool:
    return any(f"github.com/{name}" in path for path in paths for name in names)


def _reached(start: str, known: Mapping[str, Sequence[Facts]], places: Mapping[str, str]) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        for each in known[todo.pop()]:
            for path in each.imports:
                folder = _folder(path, known, places)
                if folder is not None and folder not in found:
                    found.add(folder)
                    todo.append(folder)
    return found


def _places(folders: Iterable[str]) -> dict[str, str]:
    """Give the folders by all that their paths end with: the first of several that end alike."""
    found: dict[str, str] = {}
    for folder in sorted(folders, key=lambda each: (each.count("/"), each)):
        parts = folder.split("/")
        for start in range(len(parts)):
            found.setdefault("/".join(parts[start:]), folder)
    return found


def _folder(path: str, known: Mapping[str, Sequence[Facts]], places: Mapping[str, str]) -> str | None:
    """Give the folder that an import means: the one that ends with its path, or the longest that its path ends with.

    None for the standard library, also where it is looked at itself.
    """
    parts = path.split("/")
    if parts[0] in STANDARD_ROOTS:
        return None
    ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return places.get(path) or next((end for end in ends if end in known), None)


def _imports(source: bytes) -> dict[str, str]:
    """Give the paths that a file imports by its names, which stand before everything else that it declares."""
    if b'import "C"' in source:  # the C before it may look like anything
        source = _COMMENT.sub(b"", source)
    clause = _CLAUSE.search(source)
    start = clause.end() if clause else 0
    end = _DECLARES.search(source, start)
    head = source[start : end.start() if end else len(source)]
    found = ((name.decode(), path.decode(errors="replace")) for name, path in _IMPORT.findall(head))
    return {name or _VERSION.sub("", path).rpartition("/")[2]: path for name, path in found}
