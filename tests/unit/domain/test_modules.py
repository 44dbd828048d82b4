from dataclasses import replace

import pytest

from bot.domain.buildinfo import Dependency
from bot.domain.modules import GO_SUM, SUMDB, Modules, changed, read, sums_of, unrecorded

GOOD, BAD = f"h1:{'G' * 43}=", f"h1:{'B' * 43}="
MONEY = Dependency("example.com/money", "v1.2.0", GOOD)
FOLDER = Dependency("example.com/tax", "(devel)")
KNOWN = {"example.com/money@v1.2.0": (GOOD,)}


def test_what_a_look_at_the_build_says_is_read() -> None:
    told = {
        "dependencies": [["example.com/money", "v1.2.0", GOOD, ""], ["example.com/tax", "(devel)", "", ""]],
        "environment": {"GOSUMDB": "off"},
    }

    assert read(told) == Modules((MONEY, FOLDER), {"GOSUMDB": "off"})
    assert read({**told, "environment": None}) == Modules((MONEY, FOLDER))


@pytest.mark.parametrize(
    "dependencies", [None, "x", {}, [["a"]], [["a", "b", "c", None]], ["abcd"], [["a", "b", "c", "d"]] * 5_001]
)
def test_what_is_damaged_is_not_known(dependencies: object) -> None:
    assert read({"dependencies": dependencies}) is None


def test_a_hash_that_is_written_down_otherwise_is_a_change() -> None:
    modules = Modules((MONEY, FOLDER), recorded=KNOWN)
    assert list(changed(modules)) == []

    (found,) = changed(Modules((replace(MONEY, sum=BAD), FOLDER), recorded=KNOWN))
    assert (found.name, found.module.sum, found.expected, found.source) == (
        "example.com/money@v1.2.0", BAD, GOOD, GO_SUM,
    )  # fmt: skip


def test_the_database_is_asked_before_go_sum() -> None:
    fooled = Modules((replace(MONEY, sum=BAD),), recorded={"example.com/money@v1.2.0": (BAD,)}, verified=KNOWN)

    assert [(each.expected, each.source) for each in changed(fooled)] == [(GOOD, SUMDB)]


@pytest.mark.parametrize("sums", [None, {}, {"example.com/money@v1.3.0": (GOOD,)}])
def test_what_is_written_down_nowhere_is_no_change(sums: dict[str, tuple[str, ...]] | None) -> None:
    assert list(changed(Modules((replace(MONEY, sum=BAD),), recorded=sums))) == []


def test_modules_that_go_sum_lacks_are_unrecorded_only_where_there_is_one() -> None:
    assert unrecorded(Modules((MONEY, FOLDER), recorded={"x@v1.0.0": (GOOD,)})) == (MONEY,)
    assert unrecorded(Modules((MONEY, FOLDER), recorded=KNOWN)) == ()
    assert unrecorded(Modules((MONEY, FOLDER), recorded={})) == ()
    assert unrecorded(Modules((MONEY, FOLDER))) == ()


def test_the_go_sum_of_the_module_itself_is_found_in_a_repository_of_many() -> None:
    files = {
        "go.mod": b"module example.com/tools\n",
        "go.sum": f"example.com/money v1.2.0 {BAD}\n".encode(),
        "shop/go.mod": b"module example.com/shop\n",
        "shop/go.sum": f"example.com/money v1.2.0 {GOOD}\n".encode(),
        "go.work.sum": f"example.com/tax v1.0.0 {GOOD}\n".encode(),
    }

    both = {"example.com/money@v1.2.0": (GOOD,), "example.com/tax@v1.0.0": (GOOD,)}
    assert sums_of(files, "example.com/shop") == both
    assert sums_of({"go.sum": files["shop/go.sum"]}, "example.com/moved") == KNOWN
    assert sums_of({"go.mod": b"module example.com/shop\n"}, "example.com/shop") is None
