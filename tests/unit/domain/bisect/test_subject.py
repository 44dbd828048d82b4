import re

import pytest

from bot.domain.bisect.subject import Overlay, Subject, SubjectRejected, command


@pytest.mark.parametrize(
    ("test", "pattern", "printed"),
    [
        ("TestPay", "^TestPay$", "TestPay"),
        ("TestPay/late fee", "^TestPay$/^late_fee$", "TestPay/late_fee"),
        ("TestPay/a+b(c)", r"^TestPay$/^a\+b\(c\)$", "TestPay/a+b(c)"),
        ("FuzzÄ/x", "^FuzzÄ$/^x$", "FuzzÄ/x"),
    ],
)
def test_a_test_is_named_exactly(test: str, pattern: str, printed: str) -> None:
    subject = Subject(test=test)
    assert (subject.pattern, subject.printed) == (pattern, printed)


@pytest.mark.parametrize(
    "test", ["Pay", "-test.run", "TestPay$", "TestPay\n", "TestPay//x", "TestPay|TestX", "T" * 2_000]
)
def test_what_is_no_name_of_a_test_is_rejected(test: str) -> None:
    with pytest.raises(SubjectRejected):
        Subject(test=test)


@pytest.mark.parametrize(
    ("package", "folder"), [("./payment", "payment"), ("payment/", "payment"), (".", ""), ("", ""), ("./a/./b", "a/b")]
)
def test_a_package_is_a_folder_of_the_tree(package: str, folder: str) -> None:
    assert Subject(test="TestPay", package=package).package == folder


@pytest.mark.parametrize("package", ["/etc", "../x", "a/../../b", "./...", "a/...", "-o", "a\nb", "a*"])
def test_a_package_elsewhere_is_rejected(package: str) -> None:
    with pytest.raises(SubjectRejected):
        Subject(test="TestPay", package=package)


def test_it_is_a_test_or_a_command() -> None:
    for given in ({}, {"test": "TestPay", "command": ("true",)}):
        with pytest.raises(SubjectRejected):
            Subject(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["../x_test.go", "/etc/passwd", "x.go", "a b_test.go", ""])
def test_an_overlay_is_a_test_file_by_its_bare_name(name: str) -> None:
    with pytest.raises(SubjectRejected):
        Overlay(name, b"package x")


def test_a_command_is_split_into_words_and_nothing_is_run_by_a_shell() -> None:
    assert command("python -m pytest -q 'a b.py' ; $(x)") == ("python", "-m", "pytest", "-q", "a b.py", ";", "$(x)")
    for line in ("'open", "", "a\0b"):
        with pytest.raises(SubjectRejected):
            command(line)


@pytest.mark.parametrize("part", ["a.b", "[x]", "a|b", "^", "$", "x{2}", "(?i)a", "\\d"])
def test_a_quoted_name_means_itself(part: str) -> None:
    quoted = Subject(test=f"TestPay/{part}").pattern.partition("/")[2]
    assert re.fullmatch(quoted, part)
