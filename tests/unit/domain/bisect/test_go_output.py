import pytest

from bot.domain.bisect import go_output
from bot.domain.bisect.results import Result

RAN = "=== RUN   TestPay\n"


@pytest.mark.parametrize(
    ("code", "said", "declared", "result"),
    [
        (0, f"{RAN}--- PASS: TestPay (0.00s)\nPASS\n", True, Result.GOOD),
        (0, f"{RAN}--- SKIP: TestPay (0.00s)\nPASS\n", True, Result.UNTESTABLE),
        (1, f"{RAN}--- FAIL: TestPay (0.00s)\nFAIL\n", True, Result.BAD),
        (2, f"{RAN}panic: test timed out after 1s\n", True, Result.BAD),
        (137, f"{RAN}", True, Result.BAD),
        (1, f"{RAN}--- PASS: TestPay (0.00s)\nPASS\nleaked goroutines\n", True, Result.BAD),
        (0, f"a line without an end{RAN}--- PASS: TestPay (0.00s)\n", True, Result.GOOD),
        (0, "testing: warning: no tests to run\nPASS\n", False, Result.ABSENT),
        (0, "testing: warning: no tests to run\nPASS\n", True, Result.ABSENT),
        (2, "panic: in an init function\n", True, Result.BAD),
        (2, "panic: in an init function\n", False, Result.ABSENT),
        (126, "sh: exec: Permission denied\n", True, Result.UNTESTABLE),
        (125, f"{RAN}", True, Result.UNTESTABLE),
        (0, "=== RUN   TestPayment\n--- PASS: TestPayment (0.00s)\n", True, Result.ABSENT),
    ],
)
def test_what_became_of_a_test(code: int, said: str, declared: bool, result: Result) -> None:  # noqa: FBT001 - a case
    assert go_output.judge(code, said, "TestPay", declared=declared) is result


@pytest.mark.parametrize(
    ("code", "said", "result"),
    [
        (
            0,
            f"{RAN}=== RUN   TestPay/late\n--- PASS: TestPay (0.00s)\n    --- PASS: TestPay/late (0.00s)\n",
            Result.GOOD,
        ),
        (0, f"{RAN}--- PASS: TestPay (0.00s)\ntesting: warning: no tests to run\n", Result.ABSENT),
        (1, f"{RAN}--- FAIL: TestPay (0.00s)\n", Result.UNTESTABLE),
        (1, f"{RAN}=== RUN   TestPay/late\n    --- FAIL: TestPay/late (0.00s)\n", Result.BAD),
    ],
)
def test_what_became_of_a_case_of_a_test(code: int, said: str, result: Result) -> None:
    assert go_output.judge(code, said, "TestPay/late", declared=True) is result


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("# example.com/m/tax\ntax/tax.go:3:1: syntax error\n", ("example.com/m/tax",)),
        ("# example.com/m/pay [example.com/m/pay.test]\npay/x_test.go:3:1: no\n", ("pay",)),
        ("# example.com/m/a\nx\n# example.com/m/b\ny\n# example.com/m/a\n", ("example.com/m/a", "example.com/m/b")),
        ("p.go:4:2: package example.com/m/gone is not in std\n", ("pay",)),
        ("", ("pay",)),
    ],
)
def test_which_packages_are_broken(said: str, names: tuple[str, ...]) -> None:
    assert go_output.broken(said, "pay") == names


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (0, Result.GOOD),
        (1, Result.BAD),
        (127, Result.BAD),
        (125, Result.UNTESTABLE),
        (128, None),
        (255, None),
        (-9, None),
    ],
)
def test_the_exit_code_of_a_command_is_read_as_git_does(code: int, result: Result | None) -> None:
    assert go_output.by_code(code) is result


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("# example.com/m [example.com/m.test]\n./x_test.go:7:6: TestIt redeclared\n\t./m_test.go:3:6: other\n",
         "./x_test.go:7:6: TestIt redeclared"),
        ("go: go.mod file not found in current directory\nFAIL\texample.com/m [setup failed]\nFAIL\n",
         "go: go.mod file not found in current directory"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_build_is_told_in_a_line(said: str, complaint: str) -> None:
    assert go_output.complaint(said) == complaint
