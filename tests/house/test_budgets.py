"""How big files and functions may grow, and how branched; the figures are printed after the run."""

import ast
import math
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.house.tree import PRODUCT, Function, Tell, functions, python_files, text

FILE_P90, FILE_MAX = 250, 400
FUNCTION_P90, FUNCTION_MAX = 25, 40
COMPLEXITY_MAX = 10

BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case, Function)
SIDES = pytest.mark.parametrize("folders", [PRODUCT, ("tests", ".ci")], ids=["product", "tests"])


def p90(sizes: Sequence[int]) -> int:
    """Give the size that nine of ten do not exceed."""
    return sorted(sizes)[math.ceil(len(sizes) * 0.9) - 1]


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def complexity(function: Function) -> int:
    """Count the ways through, as McCabe did: one, and one more for each branch. The function itself is the one."""
    return sum(isinstance(node, BRANCHES) for node in ast.walk(function))


def by_function(folders: tuple[str, ...], measure: Callable[[Function], int]) -> dict[str, int]:
    return {
        f"{path}:{function.lineno} {function.name}": measure(function)
        for path in python_files(*folders)
        for function in functions(path)
    }


def over(sizes: Mapping[str, int], limit: int) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if size > limit}


@SIDES
def test_files_stay_small(folders: tuple[str, ...], tell: Tell) -> None:
    sizes = {str(path): len(text(path).splitlines()) for path in python_files(*folders)}
    tell(f"files of {folders[0]} ...: {len(sizes)}, p90 {p90([*sizes.values()])}, longest {max(sizes.values())} lines")
    assert over(sizes, FILE_MAX) == {}
    assert p90([*sizes.values()]) <= FILE_P90


@SIDES
def test_functions_stay_small(folders: tuple[str, ...], tell: Tell) -> None:
    sizes = by_function(folders, length)
    tell(f"functions of {folders[0]} ...: {len(sizes)}, p90 {p90([*sizes.values()])}, longest {max(sizes.values())}")
    assert over(sizes, FUNCTION_MAX) == {}
    assert p90([*sizes.values()]) <= FUNCTION_P90


@SIDES
def test_functions_branch_little(folders: tuple[str, ...], tell: Tell) -> None:
    ways = by_function(folders, complexity)
    tell(f"complexity of {folders[0]} ...: p90 {p90([*ways.values()])}, highest {max(ways.values())}")
    assert over(ways, COMPLEXITY_MAX) == {}


def test_the_count_of_ways_is_right() -> None:
    source = "def f(a):\n  for b in a:\n    if b: pass\n    elif a: pass\n  try: pass\n  except OSError: pass\n"
    (function,) = (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))
    assert complexity(function) == 1 + 4
