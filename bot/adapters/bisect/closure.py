"""What a Go test is built from and may read, as keys: equal keys, equal sources. By objects alone, without a checkout.

The key of a package covers the package and all that it imports inside the tree: modules of the tree (go.mod, go.work,
replacements by folders), vendored packages, embedded files, assembler and C. Files for other systems and other build
tags are all in. The key of the tested one covers its tests, the files beside them, its testdata, what its tests name by
a path that leads up, and go.mod, go.sum and their kind. What a test reads otherwise is not seen: so the culprit's
parent is always tested, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256

from bot.adapters.bisect.layout import Layout, Layouts
from bot.adapters.bisect.objects import DEEPEST, TREE, Item, Objects
from bot.domain.bisect import go_source
from bot.domain.bisect.go_modules import below
from bot.domain.bisect.go_source import GoSource
from bot.domain.bisect.subject import Overlay, Subject

_CODE = (".s", ".S", ".sx", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90",
         ".swig", ".swigcxx", ".syso")  # fmt: skip
_ROUND = "round"


@dataclass
class _Package:
    """One package: the digest of its own files, what it imports, whether it reads what cannot be told."""

    digest: str
    imports: frozenset[str] = frozenset()
    strays: bool = False


class Closures:
    """Gives the keys of a repository's packages; what was read once is kept, by the ids of what it was read from."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._layouts = Layouts(objects)
        self._packages: dict[str, _Package] = {}
        self._bare: dict[str, bool] = {}
        self._roots: dict[tuple[str, Subject], Mapping[str, str]] = {}

    def keys(self, commits: Sequence[str], subject: Subject) -> Mapping[str, Mapping[str, str]]:
        """Give, for each commit, the key of each package by its import path, and of the tested one by its folder.

        There is none for a package that is not there. A command may read anything: its key is that of the whole tree.
        """
        self.objects.warm(commits)
        return {commit: self._of(self.objects.root(commit), subject) for commit in commits}

    def _of(self, root: str, subject: Subject) -> Mapping[str, str]:
        if subject.command:
            return {subject.package: root}
        known = self._roots.get((root, subject))
        if known is None:
            known = self._roots[root, subject] = self._keys(root, subject)
        return known

    def declared(self, commit: str, subject: Subject) -> bool:
        """Tell whether the test's function is in a test file of the package."""
        folder = self.objects.at(self.objects.root(commit), subject.package)
        if folder is None or not folder.is_tree:
            return False
        name, overlay = subject.test.partition("/")[0], subject.overlay
        if overlay and go_source.declares(overlay.content, name):
            return True
        files = self.objects.tree(folder.id).items()
        tests = (item for path, item in files if path.endswith("_test.go") and not item.is_tree)
        return any(go_source.declares(self.objects.blob(item.id), name) for item in tests)

    def layout(self, commit: str, subject: Subject) -> Layout:
        """Give where the modules are that a test is built from."""
        return self._layouts.of(self.objects.root(commit), subject)

    def _keys(self, root: str, subject: Subject) -> Mapping[str, str]:
        folder = self.objects.at(root, subject.package)
        if folder is None or not folder.is_tree:
            return {}
        layout = self._layouts.of(root, subject)
        tested = self._tested(root, folder.id, subject)
        packages = self._reached(root, layout, tested.imports)
        if tested.strays or any(package.strays for package in packages.values()):
            return {subject.package: root}
        keys = _merkle(packages)
        own = (tested.digest, *layout.pins, *sorted(f"{name} {key}" for name, key in keys.items()))
        return {**{name: _digest(key, *layout.pins) for name, key in keys.items()}, subject.package: _digest(*own)}

    def _reached(self, root: str, layout: Layout, imports: Iterable[str]) -> dict[str, _Package]:
        """Read all packages of the tree that are imported, directly or not."""
        packages: dict[str, _Package] = {}
        ahead, seen = list(imports), set(imports)
        while ahead:
            name = ahead.pop()
            items = (self.objects.at(root, folder) for folder in layout.folders(name))
            found = [self._package(item.id) for item in items if item is not None and item.is_tree]
            if not found:
                continue
            digest = found[0].digest if len(found) == 1 else _digest(*(each.digest for each in found))
            wanted = frozenset().union(*(each.imports for each in found))
            packages[name] = _Package(digest, wanted, any(each.strays for each in found))
            ahead += wanted - seen
            seen |= wanted
        return packages

    def _package(self, tree: str) -> _Package:
        """Read a package that is imported: no test, and no file that Go does not build."""
        known = self._packages.get(tree)
        if known is None:
            items = self.objects.tree(tree)
            files = {
                name: item
                for name, item in items.items()
                if not item.is_tree and name.endswith((".go", *_CODE)) and not name.endswith("_test.go")
            }
            known = self._packages[tree] = self._read(items, files)
        return known

    def _tested(self, root: str, tree: str, subject: Subject) -> _Package:
        items = dict(self.objects.tree(tree))
        extra: tuple[str, ...] = ()
        overlaid = GoSource()
        if isinstance(subject.overlay, Overlay):
            items.pop(subject.overlay.name, None)
            overlaid = go_source.read(subject.overlay.content)
            extra = (sha256(subject.overlay.content).hexdigest(), *sorted(overlaid.embeds))
        files = {name: item for name, item in items.items() if not item.is_tree or self._is_bare(name, item)}
        package = self._read(items, files, overlaid)
        sources = [
            self._layouts.source(item) for name, item in files.items() if name.endswith("_test.go") and not item.is_tree
        ]
        above = {path for source in (*sources, overlaid) for path in source.above}
        extra += tuple(self._above(root, subject.package, path) for path in sorted(above))
        return _Package(_digest(package.digest, *extra), package.imports, package.strays)

    def _read(self, items: Mapping[str, Item], files: Mapping[str, Item], more: GoSource | None = None) -> _Package:
        code = [item for name, item in files.items() if name.endswith((".go", *_CODE)) and not item.is_tree]
        sources = [*(self._layouts.source(item) for item in code), *([more] if more else [])]
        heads = {pattern.split("/")[0] for source in sources for pattern in source.embeds}
        embedded = {name: item for name, item in items.items() if any(fnmatchcase(name, head) for head in heads)}
        lines = sorted(f"{name}\0{item.mode}\0{item.id}" for name, item in {**files, **embedded}.items())
        imports = frozenset().union(*(source.imports for source in sources))
        return _Package(_digest(*lines), imports, any(source.strays for source in sources))

    def _is_bare(self, name: str, item: Item) -> bool:
        """Tell whether a folder belongs to the package beside it: testdata, or no Go anywhere below."""
        return name == "testdata" or name.startswith((".", "_")) or self._has_no_go(item)

    def _has_no_go(self, item: Item, deep: int = 0) -> bool:
        if item.mode != TREE:
            return True
        known = self._bare.get(item.id)
        if known is None:
            inside = self.objects.tree(item.id).items()
            known = (
                deep < DEEPEST
                and not any(name.endswith(".go") for name, each in inside if not each.is_tree)
                and all(self._has_no_go(each, deep + 1) for _, each in inside if each.is_tree)
            )
            self._bare[item.id] = known
        return known

    def _above(self, root: str, folder: str, path: str) -> str:
        """Give the id of the nearest thing at a path that leads up from a package."""
        whole = below(folder, path)
        while whole:
            if found := self.objects.at(root, whole):
                return f"{whole} {found.id}"
            whole = whole.rpartition("/")[0]
        return root


def _merkle(packages: Mapping[str, _Package]) -> dict[str, str]:
    """Give each package a digest of itself and of all that it imports; a cycle makes all of them one."""
    keys: dict[str, str] = {}
    for first in sorted(packages):
        open_, path = set[str](), [first]
        while path:
            name = path[-1]
            needs = sorted(need for need in packages[name].imports if need in packages)
            ahead = [need for need in needs if need not in keys]
            if name in keys:
                path.pop()
            elif not ahead or name in open_:
                if ahead:
                    whole = _digest(_ROUND, *sorted(f"{each} {package.digest}" for each, package in packages.items()))
                    return dict.fromkeys(packages, whole)
                keys[name] = _digest(name, packages[name].digest, *(keys[need] for need in needs))
                path.pop()
            else:
                open_.add(name)
                path += ahead
    return keys


def _digest(*parts: str) -> str:
    return sha256("\1".join(parts).encode(errors="surrogateescape")).hexdigest()
