"""What a file of Go asks for: the packages it imports, the files it embeds, the paths above it that it names.

It reads what no compiler has seen yet, so it never fails: of a file that is no Go it gives what it saw. The grammar is
that of https://go.dev/ref/spec#Import_declarations; embedding is that of https://pkg.go.dev/embed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = re.compile(rb"(?:[ \t\r\n;]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SPACE = re.compile(rb"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_PACKAGE = re.compile(rb"package\b")
_OUTSIDE = re.compile(rb"^package[ \t]+(\w+)_test\b", re.MULTILINE)
_IMPORT = re.compile(rb"import(?=[\s\"`(/._]|$)")
_NAME = re.compile(rb"(?:[^\W\d]|[\x80-\xff])(?:\w|[\x80-\xff])*|\.")
_STRING = re.compile(rb'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`')
_EMBED = re.compile(rb"^[ \t]*//go:embed[ \t]+(.*)$", re.MULTILINE)
_PATTERN = re.compile(rb'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`|(\S+)')
_ABOVE = re.compile(rb'["`/](\.\.(?:/[^"`\\\s]*)?)["`]')
_FAR_INCLUDE = re.compile(rb'^[ \t/*]*#[ \t]*include[ \t]*"[^"\n]*/|^[ \t/*]*#cgo[^\n]*[./]', re.MULTILINE)


@dataclass(frozen=True)
class GoSource:
    """What a file asks for; `strays` means that it also reads files that cannot be told (C headers elsewhere).

    `outside` is the package that it tests as others see it, by importing it.
    """

    imports: frozenset[str] = frozenset()
    embeds: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()
    strays: bool = False
    outside: str = ""


def read(source: bytes) -> GoSource:
    """Read a file of Go, or of assembler or C beside it."""
    imports = frozenset(_imports(source))
    embeds = frozenset(
        _text(next(filter(None, found), b"")).removeprefix("all:")
        for line in _EMBED.findall(source)
        for found in _PATTERN.findall(line)
    )
    above = frozenset(_text(path) for path in _ABOVE.findall(source))
    outside = _OUTSIDE.search(source)
    strays = bool(_FAR_INCLUDE.search(source))
    return GoSource(imports, embeds - {""}, above, strays, outside[1].decode() if outside else "")


def declares(source: bytes, test: str) -> bool:
    """Tell whether a file declares a function of this name."""
    return bool(re.search(rb"^[ \t]*func[ \t]+" + re.escape(test.encode()) + rb"[ \t]*[(\[]", source, re.MULTILINE))


def _imports(source: bytes) -> Iterator[str]:
    place = _skip(_BLANK, source, 3 if source.startswith(b"\xef\xbb\xbf") else 0)
    if not (found := _PACKAGE.match(source, place)):
        return
    place = _skip(_SPACE, source, found.end())
    named = _NAME.match(source, place)
    place = _skip(_BLANK, source, named.end() if named else place)
    while found := _IMPORT.match(source, place):
        place = _skip(_SPACE, source, found.end())
        is_group = source[place : place + 1] == b"("
        place += is_group
        while True:
            path, place = _spec(source, place)
            if path:
                yield path
            if not (is_group and path):
                break
        place = _skip(_BLANK, source, place)
        if is_group and source[place : place + 1] != b")":
            return
        place = _skip(_BLANK, source, place + is_group)


def _spec(source: bytes, place: int) -> tuple[str, int]:
    """Read one import and go behind it; "" where there is none."""
    place = _skip(_BLANK, source, place)
    if name := _NAME.match(source, place):
        place = _skip(_SPACE, source, name.end())
    if not (string := _STRING.match(source, place)):
        return "", place
    return _text(string[1] if string[1] is not None else string[2]), string.end()


def _skip(what: re.Pattern[bytes], source: bytes, place: int) -> int:
    found = what.match(source, place)
    return found.end() if found else place


def _text(raw: bytes) -> str:
    """Read a string's inside; an escaped letter is rare in a path, and is read as itself."""
    text = raw.decode(errors="replace")
    return re.sub(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", _unescaped, text) if "\\" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else found[3]
