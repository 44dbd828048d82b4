"""What decides whether a commit may have changed a test; each case is a change that does, or does not."""

import pytest

from bot.adapters.bisect.closure import Closures
from bot.adapters.bisect.objects import Objects
from bot.domain.bisect.subject import Overlay, Subject
from tests.bisecting.repositories import GO_MOD, Small

SUBJECT = Subject(test="TestIt", package="pay")
FILES: dict[str, str | None] = {
    "go.mod": GO_MOD + "\nreplace example.com/near => ./near\n",
    "README.md": "shop",
    "pay/pay.go": 'package pay\n\nimport _ "example.com/m/tax"\n\n//go:embed page/*.html\nvar page embed.FS\n',
    "pay/pay_windows.go": 'package pay\n\nimport _ "example.com/m/windows"\n',
    "pay/page/a.html": "a",
    "pay/pay_test.go": 'package pay_test\n\nimport _ "example.com/m/helper"\n\nvar a = "../shared/a.json"\n',
    "pay/testdata/deep/x.json": "{}",
    "pay/fixtures/x.txt": "x",
    "pay/sub/sub.go": "package sub\n",
    "tax/tax.go": 'package tax\n\nimport (\n\t_ "example.com/near/rate"\n\t_ "example.org/vendored"\n)\n',
    "tax/tax_test.go": "package tax\n",
    "tax/NOTES.md": "notes",
    "tax/fast_amd64.s": "TEXT x(SB),4,$0\n",
    "windows/windows.go": "package windows\n",
    "helper/helper.go": "package helper\n",
    "near/go.mod": "module example.com/near\n",
    "near/rate/rate.go": "package rate\n",
    "vendor/modules.txt": "# example.org/vendored v1.0.0\n",
    "vendor/example.org/vendored/v.go": "package vendored\n",
    "shared/a.json": "{}",
    "shared/b.json": "{}",
    "other/other.go": 'package other\n\nimport _ "example.com/m/pay"\n',
}


@pytest.fixture
def closures(objects: Objects) -> Closures:
    return Closures(objects)


def key(closures: Closures, commit: str, subject: Subject = SUBJECT, package: str = "pay") -> str:
    return closures.keys([commit], subject)[commit][package]


@pytest.mark.parametrize(
    "path",
    [
        "pay/pay.go",
        "pay/pay_test.go",
        "pay/new.go",
        "pay/page/a.html",
        "pay/page/b.html",
        "pay/testdata/deep/x.json",
        "pay/fixtures/x.txt",
        "pay/beside.txt",
        "tax/tax.go",
        "tax/new_plan9.go",
        "tax/fast_amd64.s",
        "windows/windows.go",
        "helper/helper.go",
        "near/rate/rate.go",
        "near/go.mod",
        "vendor/example.org/vendored/v.go",
        "vendor/modules.txt",
        "shared/a.json",
        "go.mod",
        "go.sum",
        "go.work",
    ],
)
def test_a_change_of_what_the_test_is_built_from_or_reads_changes_its_key(
    small: Small, closures: Closures, path: str
) -> None:
    before = small.commit(FILES)
    after = small.commit({path: (FILES.get(path) or "") + "\n// more\n"})
    assert key(closures, before) != key(closures, after)


@pytest.mark.parametrize(
    "path",
    ["README.md", "pay/sub/sub.go", "tax/tax_test.go", "tax/NOTES.md", "shared/b.json", "other/other.go", "new/new.go"],
)
def test_a_change_elsewhere_does_not(small: Small, closures: Closures, path: str) -> None:
    before = small.commit(FILES)
    after = small.commit({path: (FILES.get(path) or "") + "\n// more\n"})
    assert key(closures, before) == key(closures, after)


def test_a_change_that_is_taken_back_gives_the_key_back(small: Small, closures: Closures) -> None:
    first = small.commit(FILES)
    small.commit({"tax/tax.go": "package tax\n"})
    assert key(closures, first) == key(closures, small.commit({"tax/tax.go": FILES["tax/tax.go"]}))


def test_each_package_has_a_key_of_its_own(small: Small, closures: Closures) -> None:
    before, after = small.commit(FILES), small.commit({"helper/helper.go": "package helper\n\nvar x int\n"})
    assert key(closures, before, package="example.com/m/tax") == key(closures, after, package="example.com/m/tax")
    assert key(closures, before, package="example.com/m/helper") != key(closures, after, package="example.com/m/helper")
    assert key(closures, before, package="example.com/near/rate")


def test_a_cycle_of_imports_is_no_end_of_it(small: Small, closures: Closures) -> None:
    around = {"tax/tax.go": 'package tax\n\nimport _ "example.com/m/helper"\n'}
    back = {"helper/helper.go": 'package helper\n\nimport _ "example.com/m/tax"\n'}
    first = small.commit({**FILES, **around, **back})
    assert key(closures, first) == key(closures, small.commit({"README.md": "more"}))
    assert key(closures, first) != key(closures, small.commit({"helper/more.go": "package helper\n"}))


def test_a_header_that_may_be_anywhere_makes_every_change_count(small: Small, closures: Closures) -> None:
    c = 'package tax\n\n// #include "../include/x.h"\nimport "C"\n'
    before = small.commit({**FILES, "tax/c.go": c})
    assert key(closures, before) != key(closures, small.commit({"README.md": "more"}))


def test_an_overlay_stands_for_the_file_of_its_name(small: Small, closures: Closures) -> None:
    laid = Subject(test="TestIt", package="pay", overlay=Overlay("pay_test.go", b"package pay\n\nfunc TestIt(\n"))
    before = small.commit(FILES)
    after = small.commit({"pay/pay_test.go": "package pay\n"})
    assert key(closures, before, laid) == key(closures, after, laid)
    assert closures.declared(before, laid)
    assert not closures.declared(before, SUBJECT)


def test_a_package_that_is_not_there_has_no_key(small: Small, closures: Closures) -> None:
    commit = small.commit({"go.mod": GO_MOD, "pay": "a file"})
    assert closures.keys([commit], SUBJECT) == {commit: {}}
    assert not closures.declared(commit, SUBJECT)


def test_a_workspace_leads_to_its_modules(small: Small, closures: Closures) -> None:
    files = {
        "go.work": "go 1.21\n\nuse (\n\t./shop\n\t./libs\n)\n",
        "shop/go.mod": "module example.com/shop\n",
        "shop/pay/pay.go": 'package pay\n\nimport _ "example.com/libs/tax"\n',
        "libs/go.mod": "module example.com/libs\n",
        "libs/tax/tax.go": "package tax\n",
    }
    subject = Subject(test="TestIt", package="shop/pay")
    before, after = small.commit({**files}), small.commit({"libs/tax/tax.go": "package tax\n\nvar x int\n"})
    keys = closures.keys([before, after], subject)
    assert keys[before]["shop/pay"] != keys[after]["shop/pay"]


def test_a_command_may_read_anything(small: Small, closures: Closures) -> None:
    subject = Subject(command=("make", "test"))
    one, two = small.commit({"a": "1"}), small.commit({"a": "2"})
    assert key(closures, one, subject, "") != key(closures, two, subject, "")
    assert key(closures, one, subject, "") == key(closures, small.commit({"a": "1"}), subject, "")
