import pytest

from bot.domain.go_environment import is_exempt, is_wide, openings, unverified


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"GOSUMDB": "off"}, "GOSUMDB"),
        ({"GONOSUMDB": "*"}, "GONOSUMDB"),
        ({"GONOSUMDB": "git.example.com,github.com/*"}, "GONOSUMDB"),
        ({"GOPRIVATE": "*.com"}, "GOPRIVATE"),
        ({"GOINSECURE": "*"}, "GOINSECURE"),
    ],
)
def test_what_lets_everything_in_is_wide(environment: dict[str, str], name: str) -> None:
    (found,) = unverified(environment)

    assert (found.name, found.value) == (name, environment[name])
    assert found.allows
    assert found.better


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GOSUMDB": "sum.golang.org", "GOPROXY": "https://proxy.golang.org,direct"},
        {"GOPRIVATE": "git.example.com/team,*.corp.example.com", "GOFLAGS": "-trimpath -mod=readonly"},
        {"GOPROXY": "file:///srv/modules", "GONOSUMDB": "", "GONOSUMCHECK": "0"},
    ],
)
def test_a_usual_environment_has_no_opening(environment: dict[str, str]) -> None:
    assert openings(environment) == ()


@pytest.mark.parametrize(
    ("environment", "allows"),
    [
        ({"GOSUMDB": "sums.example+12345678+AAAA"}, "another checksum database"),
        ({"GOFLAGS": "-mod=mod"}, "writes go.sum itself"),
        ({"GOFLAGS": "'-modfile=ci.mod' -insecure"}, "another go.mod"),
        ({"GOFLAGS": "-modcacherw"}, "can be changed"),
        ({"GOPROXY": "http://proxy.example|direct"}, "in clear"),
        ({"GONOSUMCHECK": "1"}, "no release of Go"),
    ],
)
def test_what_weakens_is_told_but_lets_nothing_in_alone(environment: dict[str, str], allows: str) -> None:
    assert allows in " ".join(each.allows for each in openings(environment))
    assert unverified(environment) == ()


def test_private_modules_are_exempt_as_go_matches_them() -> None:
    environment = {"GOPRIVATE": "*.corp.example.com,git.example.com/team"}

    assert is_exempt(environment, "git.corp.example.com/a/b")
    assert is_exempt(environment, "git.example.com/team/x")
    assert not is_exempt(environment, "git.example.com/teams/x")
    assert not is_exempt(environment, "git.example.com")
    assert not is_exempt({**environment, "GONOSUMDB": "other.example.com"}, "git.example.com/team/x")


@pytest.mark.parametrize(
    ("pattern", "wide"),
    [
        ("*", True), ("*.*", True), ("*.com", True), ("github.com", True), ("github.com/*", True), ("*/*", True),
        ("github.com/acme", False), ("*.example.com", False), ("git.example.com/*", False), ("example.com", False),
    ],
)  # fmt: skip
def test_a_pattern_is_wide_where_everybody_can_publish(pattern: str, wide: bool) -> None:  # noqa: FBT001 - of a table
    assert is_wide(pattern) is wide
