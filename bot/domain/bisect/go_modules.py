"""Which folders of a tree hold which modules of Go, by its go.mod and go.work files."""

import re
from dataclasses import dataclass
from posixpath import join, normpath

_COMMENT = re.compile(r"//.*")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|([^\s()]+)|([()])')


@dataclass(frozen=True)
class GoModule:
    """What a go.mod or go.work says: the module's path, its replacements by folders, the folders it uses."""

    path: str = ""
    replaced: tuple[tuple[str, str], ...] = ()
    uses: tuple[str, ...] = ()


def read(source: bytes) -> GoModule:
    """Read a go.mod or a go.work; what it does not understand it leaves out."""
    path, replaced, uses, block = "", [], [], ""
    for line in source.decode(errors="replace").splitlines():
        words = [next(filter(None, found), "") for found in _WORD.findall(_COMMENT.sub("", line))]
        if words[:1] == [")"]:
            block = ""
        elif words[1:2] == ["("]:
            block = words[0]
        elif words:
            verb, *rest = (block, *words) if block else words
            if verb == "module" and rest:
                path = rest[0]
            elif verb == "use" and rest:
                uses.append(rest[0])
            elif verb == "replace" and "=>" in rest[1:-1] and rest[-1].startswith("."):
                replaced.append((rest[0], rest[-1]))
    return GoModule(path, tuple(replaced), tuple(uses))


def below(folder: str, path: str) -> str | None:
    """Give the folder that a path leads to from another one, None where it leaves the tree; "" is the root."""
    whole = normpath(join(folder, path))
    if whole == ".." or whole.startswith(("../", "/")):
        return None
    return "" if whole == "." else whole


def home(import_path: str, modules: dict[str, str]) -> str | None:
    """Give the folder of a package, by the folders of the modules; None when no module of them holds it."""
    name = import_path
    while name:
        if name in modules:
            return below(modules[name], "./" + import_path.removeprefix(name).lstrip("/"))
        name = name.rpartition("/")[0]
    return None
