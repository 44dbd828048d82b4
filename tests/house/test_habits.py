"""What the linters cannot hold, or what a comment could switch off in them."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from tests.house.tree import PRODUCT, functions, imported, parsed, python_files, text

LOADS_ON_FIRST_USE = {Path(f"bot/{name}.py") for name in ("main", "doctor", "door", "schema", "wiring", "demo", "cli")}
BROAD = {"Exception", "BaseException"}
EDGES = re.compile(r"bot/engine/runner\.py|handlers/\w+\.py|bot/adapters/.*(schedule|worker)\w*\.py")
EDGES_MAX = 3
OUTSIDE = re.compile(r"bot/(emulator|lab)/")  # programs of their own, with edges of their own
NOT_PURE = {"asyncio", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil", "signal"}
NOT_PURE |= {"socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid"}
NOT_PURE_CALLS = {"open", "print", "input", "now", "utcnow", "today"}
SILENCED = re.compile(
    r"#\s*(?:noqa|type:\s*ignore)(?:: ?|\[)?(?P<codes>[A-Za-z\d, -]*?)\]?(?P<reason>\s+(?:# )?- \S.*)?$"
)


def test_imports_stand_at_the_top() -> None:
    inside = [
        f"{path}:{line} imports {module}"
        for path in python_files(*PRODUCT, "tests")
        if path not in LOADS_ON_FIRST_USE
        for function in functions(path)
        for module, line in imported(function)
    ]
    assert inside == [], "\n".join(inside)


def broad_handlers(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = {"BaseException"} if node.type is None else {ast.unparse(part) for part in ast.walk(node.type)}
            if caught & BROAD:
                yield f"{path}:{node.lineno}"


def test_errors_are_caught_by_name_but_at_the_three_edges() -> None:
    found = [place for path in python_files(*PRODUCT) if not OUTSIDE.match(str(path)) for place in broad_handlers(path)]
    assert [place for place in found if not EDGES.match(place)] == []
    assert len(found) <= EDGES_MAX, found


def test_unit_tests_use_fakes() -> None:
    mocks = [
        f"{path}:{line}"
        for path in python_files("tests")
        if path.parts[:2] == ("tests", "unit")
        for module, line in imported(parsed(path))
        if module.startswith(("unittest", "mock", "pytest_mock"))
    ]
    assert mocks == [], "\n".join(mocks)


def test_times_know_their_zone() -> None:
    naive = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path in python_files(*PRODUCT, "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and is_naive(node)
    ]
    assert naive == [], "\n".join(naive)


def is_naive(call: ast.Call) -> bool:
    called = ast.unparse(call.func)
    named = {keyword.arg for keyword in call.keywords}
    if called.endswith(("datetime.utcnow", "datetime.utcfromtimestamp", "date.today", "datetime.today")):
        return True
    if called.endswith("datetime.now"):
        return not call.args and "tz" not in named
    if called.endswith("datetime.fromtimestamp"):
        return len(call.args) < 2 and "tz" not in named
    return False


def test_the_domain_needs_nothing_but_the_standard_library() -> None:
    foreign = [
        f"{path}:{line} imports {module}"
        for path in domain()
        for module, line in imported(parsed(path))
        if not module.startswith("bot.domain") and module.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == [], "\n".join(foreign)


def test_the_domain_has_no_clock_and_no_input_or_output() -> None:
    impure = [
        f"{path}:{line} imports {module}"
        for path in domain()
        for module, line in imported(parsed(path))
        if module in NOT_PURE or module.partition(".")[0] in NOT_PURE
    ]
    acts = [f"{path}:{node.lineno} {ast.unparse(node)}" for path in domain() for node in impure_nodes(path)]
    assert impure + acts == []


def domain() -> tuple[Path, ...]:
    return tuple(path for path in python_files("bot") if path.parts[:2] == ("bot", "domain"))


def impure_nodes(path: Path) -> Iterator[ast.expr | ast.stmt]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield node
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in NOT_PURE_CALLS:
                yield node


def test_a_name_of_a_module_is_given_its_value_once() -> None:
    """Ruff says nothing of a second value, and whoever reads the first is wrong."""
    again = [
        f"{path}: {name}"
        for path in python_files(*PRODUCT, "tests", ".ci")
        for name in sorted(given_again(parsed(path)))
    ]
    assert again == [], "\n".join(again)


def given_again(module: ast.Module) -> set[str]:
    """Give the names that statements of the module itself, and not its branches, give a value more than once."""
    targets = [
        target
        for node in module.body
        if isinstance(node, ast.Assign) or (isinstance(node, ast.AnnAssign) and node.value is not None)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    named = Counter(node.id for target in targets for node in ast.walk(target) if is_given(node))
    return {name for name, count in named.items() if count > 1}


def is_given(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def test_the_reader_of_values_reads() -> None:
    twice = "A = 1\nB: int = 2\nC, D = 3, 4\nA = 5\nB = 6\nD: int = 7\n"
    once = "A: int\nA = 1\nA |= 2\nB[0] = 1\nB[1] = 2\nif A:\n    C = 1\nelse:\n    C = 2\n"
    assert given_again(ast.parse(twice)) == {"A", "B", "D"}
    assert given_again(ast.parse(once)) == set()


def test_a_silenced_linter_is_told_why() -> None:
    """Each code that a file silences has its reason there at least once. Of mypy's, tests need not say: they pass wrong
    types on purpose.
    """
    unexplained = [
        f"{path}: {code or 'everything'}"
        for path in python_files(*PRODUCT, "tests", ".ci")
        for code in sorted(silenced(path, with_reason=False) - silenced(path, with_reason=True))
    ]
    assert unexplained == [], "\n".join(unexplained)


def silenced(path: Path, *, with_reason: bool) -> set[str]:
    return {
        code
        for found in map(SILENCED.search, text(path).splitlines())
        if found is not None and bool(found["reason"]) is with_reason
        for code in re.split(r",\s*", found["codes"])
        if path.parts[0] != "tests" or code.isupper()
    }


def test_the_reader_of_silences_reads() -> None:
    read = [
        SILENCED.search(line)
        for line in (
            "x  # noqa: S101, ARG001 - why",
            "x  # noqa: S101",
            "x  # type: ignore[arg-type]  # - why",
            "x  # noqa",
        )
    ]
    assert [(found["codes"], bool(found["reason"])) for found in read if found] == [
        ("S101, ARG001", True),
        ("S101", False),
        ("arg-type", True),
        ("", False),
    ]
