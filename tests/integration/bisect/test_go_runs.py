"""Tests of Go, built and run at commits by the real Go in the real sandbox."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from bot.adapters.bisect.jobs import Bubblewrap, Limits, Unguarded
from bot.adapters.bisect.prober import GitProber
from bot.domain.bisect.results import Result
from bot.domain.bisect.subject import Overlay, Subject
from bot.ports import Probed
from tests.bisecting.histories import PACKAGE, TEST, Shape, make
from tests.bisecting.repositories import GO_MOD, Small, go_test
from tests.samples import BUILDS

pytestmark = [BUILDS, pytest.mark.go, pytest.mark.timeout(600)]
SOURCE = "package m\n\nfunc Two() int { return 2 }\n"
GREEN: dict[str, str | None] = {"go.mod": GO_MOD, "m.go": SOURCE, "m_test.go": go_test("")}


async def probe(prober: GitProber, small: Small, commit: str, subject: Subject | None = None) -> Probed:
    return await prober.test(small.folder, commit, subject or Subject(test="TestIt"), stop=asyncio.Event())


async def result(prober: GitProber, small: Small, body: str, imports: tuple[str, ...] = ()) -> Result:
    """Give what a test with this body comes out as."""
    commit = small.commit({**GREEN, "m_test.go": go_test(body, imports)})
    return (await probe(prober, small, commit)).trial.result


async def test_the_four_results(prober: GitProber, small: Small) -> None:
    absent = small.commit({**GREEN, "m_test.go": go_test("", name="TestOther")})
    good = small.commit({"m_test.go": go_test('if Two() != 2 { t.Fatal("it is not two") }')})
    bad = small.commit({"m.go": SOURCE.replace("2", "3")})
    untestable = small.commit({"m.go": SOURCE.replace("2", '"2"')})
    probed = {commit: await probe(prober, small, commit) for commit in (absent, good, bad, untestable)}
    assert {commit: each.trial.result for commit, each in probed.items()} == {
        absent: Result.ABSENT,
        good: Result.GOOD,
        bad: Result.BAD,
        untestable: Result.UNTESTABLE,
    }
    assert b"it is not two" in probed[bad].said
    assert probed[untestable].trial.broken == ("",)
    assert "does not build: ./m.go:3:25: cannot use" in probed[untestable].trial.why
    assert len(probed[good].trial.binary) == 64


async def test_a_second_run_at_a_commit_is_not_built_again(prober: GitProber, small: Small) -> None:
    commit = small.commit(GREEN)
    first, second = [(await probe(prober, small, commit)).trial for _ in range(2)]
    assert first.build_s > 0
    assert (second.build_s, second.binary, second.result) == (0, first.binary, Result.GOOD)


async def test_a_broken_package_is_named_as_its_key_is(prober: GitProber, small: Small) -> None:
    files = {"m.go": 'package m\n\nimport _ "example.com/m/tax"\n', "tax/tax.go": "package tax\n\nvar x int = true\n"}
    commit = small.commit({**GREEN, **files})
    subject = Subject(test="TestIt")
    trial = (await probe(prober, small, commit, subject)).trial
    keys = (await prober.keys(small.folder, [commit], subject))[commit]
    assert trial.broken == ("example.com/m/tax",)
    assert keys.keys() == {"", "example.com/m/tax"}


@pytest.mark.parametrize(
    ("body", "imports", "expected"),
    [
        ('t.Skip("not here")', (), Result.UNTESTABLE),
        ('panic("no")', (), Result.BAD),
        ("go func() { os.Exit(3) }(); select {}", ("os",), Result.BAD),
        ('if err := os.WriteFile("mine", nil, 0o600); err != nil { t.Fatal(err) }', ("os",), Result.GOOD),
        (
            "s := httptest.NewServer(nil); defer s.Close(); if _, err := http.Get(s.URL); err != nil { t.Fatal(err) }",
            ("net/http", "net/http/httptest"),
            Result.GOOD,
        ),
        ('if _, err := net.Dial("tcp", "1.1.1.1:53"); err != nil { t.Fatal(err) }', ("net",), Result.BAD),
    ],
)
async def test_what_a_test_does_tells(
    prober: GitProber, small: Small, body: str, imports: tuple[str, ...], expected: Result
) -> None:
    assert await result(prober, small, body, imports) is expected


async def test_a_test_that_hangs_is_bad_and_says_where(prober: GitProber, small: Small) -> None:
    commit = small.commit({**GREEN, "m_test.go": go_test("<-make(chan int)")})
    probed = await probe(prober, small, commit, Subject(test="TestIt", timeout_s=0.5))
    assert probed.trial.result is Result.BAD
    assert b"test timed out after" in probed.said
    assert b"m_test.go" in probed.said


async def test_one_case_of_a_test(prober: GitProber, small: Small) -> None:
    cases = 't.Run("late fee", func(t *testing.T) {}); t.Run("other", func(t *testing.T) { t.Fatal() })'
    before = small.commit(GREEN)
    after = small.commit({"m_test.go": go_test(cases)})
    results = {
        (commit, case): (await probe(prober, small, commit, Subject(test=f"TestIt/{case}"))).trial.result
        for commit in (before, after)
        for case in ("late fee", "other")
    }
    assert results == {
        (before, "late fee"): Result.ABSENT,
        (before, "other"): Result.ABSENT,
        (after, "late fee"): Result.GOOD,
        (after, "other"): Result.BAD,
    }


async def test_a_test_is_laid_over_commits_that_did_not_have_it(prober: GitProber, small: Small) -> None:
    files = {"go.mod": GO_MOD, "pay/m.go": SOURCE}
    old = small.commit({**files})
    new = small.commit({"pay/m.go": SOURCE.replace("2", "3"), "pay/x_test.go": "package m\n\nnot Go at all\n"})
    overlay = Overlay("x_test.go", go_test("if Two() != 2 { t.Fatal() }").encode())
    laid, bare = (Subject(test="TestIt", package="./pay", overlay=each) for each in (overlay, None))
    assert (await probe(prober, small, old, laid)).trial.result is Result.GOOD
    assert (await probe(prober, small, new, laid)).trial.result is Result.BAD
    assert (await probe(prober, small, old, bare)).trial.result is Result.ABSENT


async def test_a_module_further_down_and_a_workspace_are_built(prober: GitProber, small: Small) -> None:
    files = {
        "go.work": "go 1.21\n\nuse (\n\t./shop\n\t./libs\n)\n",
        "shop/go.mod": "module example.com/shop\n\ngo 1.21\n",
        "shop/pay/m.go": 'package m\n\nimport _ "example.com/libs/tax"\n',
        "shop/pay/m_test.go": go_test(""),
        "libs/go.mod": "module example.com/libs\n\ngo 1.21\n",
        "libs/tax/tax.go": "package tax\n",
    }
    commit = small.commit({**files})
    assert (await probe(prober, small, commit, Subject(test="TestIt", package="shop/pay"))).trial.result is Result.GOOD


@pytest.mark.parametrize("is_apart", [True, False])
async def test_a_tree_that_is_older_than_modules_is_built_by_its_import_path(
    small: Small, state: Path, go_command: str, *, is_apart: bool
) -> None:
    files: dict[str, str | None] = {
        "m.go": 'package m\n\nimport (\n\t"example.com/ada/m/tax"\n\t"example.com/lib"\n)\n\nvar V = lib.V + tax.V\n',
        "m_test.go": go_test("if m.V != 3 { t.Fatal(m.V) }", ("example.com/ada/m",), package="m_test"),
        "tax/tax.go": "package tax\n\nvar V = 1\n",
        "vendor/example.com/lib/lib.go": "package lib\n\nvar V = 2\n",
    }
    good = small.commit(files)
    bad = small.commit({"tax/tax.go": "package tax\n\nvar V = 2\n"})
    broken = small.commit({"tax/tax.go": 'package tax\n\nvar V int = ""\n'})
    sandbox = Bubblewrap(state, Limits()) if is_apart else Unguarded(Limits())
    prober = GitProber(state, sandbox, command=go_command)
    trials = [(await probe(prober, small, each)).trial for each in (good, bad, broken)]
    assert [trial.result for trial in trials] == [Result.GOOD, Result.BAD, Result.UNTESTABLE]
    keys = await prober.keys(small.folder, [good, bad, broken], Subject(test="TestIt"))
    assert len({packages[""] for packages in keys.values()}) == 3
    assert {trials[2].broken[0]} < keys[broken].keys()
    await prober.close()


async def test_what_is_vendored_is_used_whatever_the_go_mod_says(prober: GitProber, small: Small) -> None:
    files = {
        "go.mod": "module example.com/m\n\ngo 1.12\n\nrequire example.com/lib v1.0.0\n",
        "vendor/modules.txt": "# example.com/lib v1.0.0\nexample.com/lib\n",
        "vendor/example.com/lib/lib.go": "package lib\n\nvar V = 2\n",
        "m_test.go": go_test("if lib.V != 2 { t.Fatal() }", ("example.com/lib",)),
    }
    commit = small.commit({**files})
    assert (await probe(prober, small, commit)).trial.result is Result.GOOD


async def test_two_runs_at_one_commit_wait_for_one_build(prober: GitProber, small: Small) -> None:
    commit = small.commit(GREEN)
    trials = [each.trial for each in await asyncio.gather(*(probe(prober, small, commit) for _ in range(2)))]
    assert [trial.result for trial in trials] == [Result.GOOD] * 2
    assert sorted(bool(trial.build_s) for trial in trials) == [False, True]


async def test_settings_in_the_tree_and_of_the_user_do_not_change_a_build(
    prober: GitProber, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-toolexec=/bin/false")
    monkeypatch.setenv("CGO_ENABLED", "1")
    c = 'package m\n\n// int two() { return 2; }\nimport "C"\n'
    commit = small.commit({**GREEN, "go.env": "GOFLAGS=-toolexec=/bin/false\n", "c.go": c})
    assert (await probe(prober, small, commit)).trial.result is Result.GOOD


async def test_a_test_cannot_reach_the_cache_of_builds_nor_what_was_built(prober: GitProber, small: Small) -> None:
    body = (
        'for _, place := range []string{"/cache", "/out", "/package.test", "/toolchain/bin/go", "/src/go.mod"} {\n'
        "\tif f, err := os.OpenFile(place, os.O_WRONLY, 0); err == nil { f.Close(); t.Fatal(place) }\n"
        '\tif err := os.WriteFile(place+"/x", nil, 0o600); err == nil { t.Fatal(place) }\n}'
    )
    files = {"go.mod": GO_MOD, "pay/m.go": SOURCE, "pay/m_test.go": go_test(body, ("os",))}
    commit = small.commit({**files})
    assert (await probe(prober, small, commit, Subject(test="TestIt", package="pay"))).trial.result is Result.GOOD


async def test_a_build_that_is_no_longer_wanted_is_stopped(prober: GitProber, small: Small) -> None:
    stop = asyncio.Event()
    stop.set()
    probed = await prober.test(small.folder, small.commit(GREEN), Subject(test="TestIt"), stop=stop)
    assert probed.trial.moot


async def test_without_go_it_says_so(small: Small, state: Path) -> None:
    lacking = GitProber(state, Bubblewrap(state, Limits()), command="/nowhere/go")
    with pytest.raises(Exception, match="Go is needed"):
        await probe(lacking, small, small.commit(GREEN))
    await lacking.close()


async def test_a_made_history_breaks_where_it_says(prober: GitProber, tmp_path_factory: pytest.TempPathFactory) -> None:
    shape = Shape(commits=12, packages=12, culprit=8, since=2, bursts=[(4, 5)], others=[(10, 11)])
    made = make(tmp_path_factory.mktemp("made") / "repository", shape)
    subject = Subject(test=TEST, package=PACKAGE)
    trials = [
        (await prober.test(made.repository, commit, subject, stop=asyncio.Event())).trial for commit in made.commits
    ]
    expected = [Result.ABSENT, *[Result.GOOD] * 6, *[Result.BAD] * 5]
    expected[3] = expected[4] = Result.UNTESTABLE
    assert [trial.result for trial in trials] == expected
    assert {trial.broken for trial in trials[3:5]} == {("example.com/shop/p00",)}
    keys = await prober.keys(made.repository, made.commits, subject)
    changes = [new for old, new in pairwise(made.commits) if keys[old][PACKAGE] != keys[new][PACKAGE]]
    assert made.culprit in changes
    assert len(changes) < len(made.commits) - 1
