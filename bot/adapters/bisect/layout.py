"""Where the modules are that a package is built from: by go.mod and go.work, or without them, as it once was."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.adapters.bisect.objects import Item, Objects
from bot.domain.bisect import go_modules, go_source
from bot.domain.bisect.go_modules import GoModule, below, home
from bot.domain.bisect.go_source import GoSource
from bot.domain.bisect.subject import Subject

_PINS = ("go.mod", "go.sum", "go.work", "go.work.sum", "vendor/modules.txt")
_UNNAMED = "example.com/tested"
"""The import path of a tree without modules that no package in it tells: any other would do."""


@dataclass
class Layout:
    """Where the modules of a tree are; `main` is the folder of the one that is built, `pins` what fixes its needs.

    `work` is the path of the go.work, "" without one; `vendored`: what is needed is in the tree. Without modules,
    `gopath` is the import path of the tree.
    """

    main: str = ""
    work: str = ""
    gopath: str = ""
    vendored: bool = False
    modules: dict[str, str] = field(default_factory=dict)
    pins: tuple[str, ...] = ()

    def folders(self, name: str) -> Iterator[str]:
        """Give the folders that a package may come from."""
        vendored = below(self.main, f"vendor/{name}")
        yield from (folder for folder in (home(name, self.modules), vendored) if folder is not None)


class Layouts:
    """Finds them; what was read once is kept, by its id."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._sources: dict[str, GoSource] = {}
        self._modules: dict[str, GoModule] = {}

    def of(self, root: str, subject: Subject) -> Layout:
        """Find the module of a package, and those that are built with it."""
        main, work = (self._nearest(root, subject.package, name) for name in ("go.mod", "go.work"))
        if main is None and work is None:
            named = self._named(root, subject)
            return Layout(gopath=named, modules={named: ""})
        layout = Layout(main or "", "" if work is None else _join(work, "go.work"))
        layout.vendored = work is None and bool(self._objects.at(root, _join(layout.main, "vendor/modules.txt")))
        folders = [layout.main, *self._used(root, work)]
        for folder in folders:
            module = self._module(root, _join(folder, "go.mod"))
            replaced = ((name, below(folder, to)) for name, to in module.replaced)
            layout.modules |= {name: to for name, to in replaced if to is not None}
            layout.modules |= {module.path: folder} if module.path else {}
        places = [*dict.fromkeys((*folders, *layout.modules.values(), *([] if work is None else [work])))]
        pins = (_join(place, name) for place in places for name in _PINS)
        found = ((path, self._objects.at(root, path)) for path in pins)
        layout.pins = tuple(f"{path} {item.id}" for path, item in found if item)
        return layout

    def source(self, item: Item) -> GoSource:
        """Read a file of Go."""
        known = self._sources.get(item.id)
        if known is None:
            known = self._sources[item.id] = go_source.read(self._objects.blob(item.id))
        return known

    def _nearest(self, root: str, folder: str, name: str) -> str | None:
        return next((each for each in _upwards(folder) if self._objects.at(root, _join(each, name))), None)

    def _used(self, root: str, work: str | None) -> Iterator[str]:
        if work is not None:
            folders = (below(work, each) for each in self._module(root, _join(work, "go.work")).uses)
            yield from (folder for folder in folders if folder is not None)

    def _module(self, root: str, path: str) -> GoModule:
        item = self._objects.at(root, path)
        if item is None or item.is_tree:
            return GoModule()
        if item.id not in self._modules:
            self._modules[item.id] = go_modules.read(self._objects.blob(item.id))
        return self._modules[item.id]

    def _named(self, root: str, subject: Subject) -> str:
        """Tell the import path of a tree by what its package imports: most often what is in the tree."""
        folder = self._objects.at(root, subject.package)
        items = self._objects.tree(folder.id) if folder and folder.is_tree else {}
        sources = [self.source(item) for name, item in items.items() if name.endswith(".go") and not item.is_tree]
        sources += [go_source.read(subject.overlay.content)] if subject.overlay else []
        found = Counter(name for source in sources for name in self._names(root, subject.package, source))
        return max(sorted(found), key=found.__getitem__, default=_UNNAMED)

    def _names(self, root: str, package: str, source: GoSource) -> Iterator[str]:
        """Give the import paths that a tree may have if something that a file imports is in it and not vendored."""
        for path in source.imports:
            parts = path.split("/")
            if "." not in parts[0] or self._objects.at(root, f"vendor/{path}"):
                continue
            ends = ("/".join(parts[first:]) for first in range(1, len(parts)))
            inside = next((end for end in ends if (item := self._objects.at(root, end)) and item.is_tree), "")
            if inside:
                yield path.removesuffix(f"/{inside}")
            elif source.outside and source.outside in parts[-1] and not package:
                yield path


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
