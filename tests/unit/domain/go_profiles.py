"""Writes pprof profiles and goroutine dumps as a Go process would, small enough to read in a test."""

import gzip
from collections.abc import Iterable, Mapping, Sequence

from bot.domain.protobuf import field_bytes
from bot.domain.stacks import Frame

Stack = Sequence[Frame | str]
Sample = tuple[Stack, Sequence[int]] | tuple[Stack, Sequence[int], Mapping[str, str]]

CPU = (("samples", "count"), ("cpu", "nanoseconds"))
HEAP = (("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes"))
GOROUTINE = (("goroutine", "count"),)
LEAK = (("goroutineleak", "count"),)
MUTEX = (("contentions", "count"), ("delay", "nanoseconds"))

SERVE = (
    Frame("net/http.HandlerFunc.ServeHTTP", "/go/src/net/http/server.go", 2358),
    Frame("net/http.(*conn).serve", "/go/src/net/http/server.go", 2157),
)


def main_frame(name: str, line: int = 10, file: str = "/src/checkout/main.go") -> Frame:
    return Frame(f"main.{name}", file, line)


class Writer:
    """A profile under construction: strings, functions and locations are shared as in a real one."""

    def __init__(self) -> None:
        self.strings: dict[str, int] = {"": 0}
        self.functions: dict[tuple[str, str], int] = {}
        self.locations: dict[Frame, int] = {}
        self.body = bytearray()

    def string(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings))

    def location(self, frame: Frame) -> int:
        function = self.functions.setdefault((frame.function, frame.file), len(self.functions) + 1)
        self.string(frame.function)
        self.string(frame.file)
        del function
        return self.locations.setdefault(frame, len(self.locations) + 1)

    def sample(self, stack: Stack, values: Sequence[int], labels: Mapping[str, str]) -> None:
        frames = [each if isinstance(each, Frame) else Frame(each) for each in stack]
        content = b"".join(field_bytes(1, self.location(frame)) for frame in frames)
        content += b"".join(field_bytes(2, value) for value in values)
        for key, value in labels.items():
            content += field_bytes(3, field_bytes(1, self.string(key)) + field_bytes(2, self.string(value)))
        self.body += field_bytes(2, content)

    def finish(self) -> bytes:
        for frame, identity in self.locations.items():
            line = field_bytes(1, self.functions[frame.function, frame.file]) + field_bytes(2, frame.line)
            self.body += field_bytes(4, field_bytes(1, identity) + field_bytes(4, line))
        for (name, file), identity in self.functions.items():
            content = field_bytes(1, identity) + field_bytes(2, self.string(name)) + field_bytes(4, self.string(file))
            self.body += field_bytes(5, content)
        for text in self.strings:
            self.body += field_bytes(6, text.encode())
        return bytes(self.body)


def raw_profile(
    types: Iterable[tuple[str, str]], samples: Iterable[Sample], *, build_id: str = "", seconds: float = 0.0
) -> bytes:
    writer = Writer()
    for name, unit in types:
        content = field_bytes(1, writer.string(name)) + field_bytes(2, writer.string(unit))
        writer.body += field_bytes(1, content)
    if build_id:
        content = field_bytes(5, writer.string("/usr/bin/checkout")) + field_bytes(6, writer.string(build_id))
        writer.body += field_bytes(3, field_bytes(1, 1) + content)
    for sample in samples:
        writer.sample(sample[0], sample[1], sample[2] if len(sample) > 2 else {})
    writer.body += field_bytes(10, int(seconds * 1e9))
    return writer.finish()


def profile(
    types: Iterable[tuple[str, str]], samples: Iterable[Sample], *, build_id: str = "", seconds: float = 0.0
) -> bytes:
    return gzip.compress(raw_profile(types, samples, build_id=build_id, seconds=seconds), mtime=0)


def dump(*goroutines: tuple[str, Sequence[Frame]], created_by: str = "main.main") -> bytes:
    """Write a debug=2 dump of (state, stack) pairs, with arguments and ids that differ everywhere."""
    blocks = []
    for number, (state, stack) in enumerate(goroutines, start=1):
        lines = [f"goroutine {number} [{state}]:"]
        for frame in stack:
            lines += [
                f"{frame.function}(0x{number:x}, {{0x{number * 7:x}?, 0x1}})",
                f"\t{frame.file}:{frame.line} +0x1d",
            ]
        lines += [f"created by {created_by} in goroutine {number + 1}", "\t/src/checkout/main.go:99 +0x2f"]
        blocks.append("\n".join(lines))
    return ("\n\n".join(blocks) + "\n").encode()
