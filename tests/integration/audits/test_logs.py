"""Lines that print or log, as people write them: each rule where it speaks, and where it keeps silent."""

import json
from pathlib import Path

import pytest

from bot.adapters.audits.gotree import GoFile
from bot.adapters.audits.log_reader import describe
from bot.adapters.audits.logs import LogsLook, Read, read_logs
from bot.domain.audits import Audited, Subject, judge
from bot.domain.audits.logs import Finding, findings
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.lab.folders import SHIPPED
from bot.ports import Wanted
from tests.cli import firstfive
from tests.integration.audits.test_gosource import git

HEAD = """package shop

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
)

type shop struct {
	logger *zap.Logger
	Token  string
}

"""
PRINTS = 'package shop\n\nimport "fmt"\n\nfunc pay(n int) { fmt.Println("paid", n) }\n'


def found(*sources: str, name: str = "shop/shop.go") -> tuple[Finding, ...]:
    told = describe([GoFile(name if not n else f"shop/other{n}.go", each.encode()) for n, each in enumerate(sources)])
    return findings([{**call, "tool": False} for call in told["calls"]])


def rules(body: str, head: str = HEAD) -> list[str]:
    return [each.rule for each in found(f"{head}{body}\n")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('func f() { fmt.Print("a"); fmt.Println("a"); fmt.Printf("a") }', ["print"] * 3),
        ('func f() { fmt.Fprintln(os.Stderr, "a"); fmt.Fprintf(os.Stdout, "a") }', ["print"] * 2),
        ('func f() { os.Stdout.WriteString("a") }', ["print"]),
        ('func f(w http.ResponseWriter) { fmt.Fprintln(w, "a"); _ = fmt.Sprint("a"); w.Write(nil) }', []),
        ('func f(fmt printer) { fmt.Println("a") }', []),
        ('func f() { println("a"); print("b") }', ["print"] * 2),
        ('func f(print func(string)) { print("a") }', []),
        ('// fmt.Println("a")\nvar text = `\nfmt.Println("a")\n`', []),
        ('func f() { log.Print("a"); log.Fatalf("a"); log.Panicln("a"); log.Output(2, "a") }', ["log"] * 4),
        ('func f(log *slog.Logger) { log.Info("a", "n", 1) }', []),
        ('func f() { log := zap.L(); log.Info("a", zap.Int("n", 1)) }', []),
        ('func f(log other) { log.Println("a"); log.Fatal("a") }', []),
        ('func f(l *log.Logger) { l.Println("a"); log.Default().Print("a") }', ["log"] * 2),
        ("func f() { log.New(os.Stderr, ``, 0).Print(1) }", ["log"]),
        ("func f() { log.SetFlags(0); log.New(os.Stderr, ``, 0) }", []),
        ('func f() { slog.Info("a") }', ["no fields"]),
        ('func f(ctx context.Context) { slog.InfoContext(ctx, "a"); slog.Info("a", "n", 1) }', []),
        ('func f(l *slog.Logger, ctx context.Context) { l.Info("a") }', []),
        ('func f() { l := slog.With("a", 1); l.Info("a") }', []),
        ('func f(ctx context.Context) { l := slog.Default(); l.Info("a") }', ["no fields"]),
        ('func (s *shop) f(r *http.Request) { s.logger.Info("a") }', ["no fields"]),
        ('func (s *shop) f() { s.logger.Info("a") }', []),
        ('func (s *shop) f(r *http.Request) { s.logger.With(zap.Int("n", 1)).Info("a"); s.other.Info("a") }', []),
        ('func f(ctx context.Context) { zap.S().Infof("a %d", 1) }', ["no fields"]),
        ('func f(ctx context.Context) { zap.S().Infow("a", "n", 1) }', []),
        ('func f(ctx context.Context) { l := zerolog.New(nil); l.Info().Msg("a") }', ["no fields"]),
        ('func f(ctx context.Context) { l := zerolog.New(nil); l.Info().Int("n", 1).Msg("a") }', []),
        ('func f(ctx context.Context) { zerolog.Ctx(ctx).Info().Msg("a") }', []),
        ('func f(ctx context.Context) { logrus.Info("a") }', ["no fields"]),
        ('func f(ctx context.Context) { logrus.WithField("n", 1).Info("a"); logrus.WithContext(ctx).Info("a") }', []),
        ("func f(err interface{ Error() string }) { _ = err.Error(); t.Fatal(err) }", []),
    ],
)  # fmt: skip
def test_what_prints_or_has_no_fields_is_told_and_what_logs_well_is_not(body: str, expected: list[str]) -> None:
    assert rules(body) == expected


@pytest.mark.parametrize(
    "line",
    [
        'slog.Info("a", "password", p)', 'slog.Info("a", "n", accessToken)',
        'slog.Info("a", slog.String("api_key", k))',
        'slog.Info("a", "auth", r.Header.Get("Authorization"))', 'slog.Info("a", "headers", r.Header)',
        'slog.Info("a", "key", os.Getenv("API_TOKEN"))', 'slog.Info("a", "n", string(u.Password))',
        'slog.Info("a" + s.Token)',
        'zap.L().Info("a", zap.String("token", p))', 'logrus.WithFields(logrus.Fields{"secret": p}).Info("a")',
        'slog.Info("asking postgres://app:hunter2@db/shop", "n", 1)', 'slog.Info("a", "at", `https://a:b1c2@c.test`)',
        'slog.Info("AKIAIOSFODNN7EXAMPLE", "n", 1)', 'slog.Info("a", "m", fmt.Sprintf("password=%s", p))',
    ],
)  # fmt: skip
def test_a_secret_is_told(line: str) -> None:
    assert "secret" in rules(f"func (s *shop) f(r *http.Request, p string) {{ {line} }}")


@pytest.mark.parametrize(
    "line",
    [
        'slog.Info("a", "has_token", token != "")', 'slog.Info("a", "password", len(password))',
        'slog.Info("a", "token", mask(token))', 'slog.Info("token", "n", 1)', 'slog.Info("a", "token", "expired")',
        'slog.Info("a", "n", tokenCount)', 'slog.Info("a", "n", isSecret)', 'slog.Info("a", "n", passwordHash)',
        'slog.Info("a", "n", errInvalidToken)', 'slog.Info("a", "n", hash(password))', 'slog.Info("a", "n", token.Pos)',
        'slog.Info("see postgres://user:password@db", "n", 1)', 'slog.Info("a", "at", "https://ada:xxxxx@c.test")',
        'slog.Info(fmt.Sprintf("postgres://%s:%s@db", u, p), "n", 1)', 'slog.Info("a", "at", "https://ada@c.test:80/")',
        'slog.Info("a", "host", r.Header.Get("Host"))', 'slog.Info("a", "n", tokens)', "use(password)",
    ],
)  # fmt: skip
def test_what_only_sounds_like_a_secret_is_not(line: str) -> None:
    assert rules(f"func (s *shop) f(r *http.Request, token node) {{ {line} }}") == []


def test_a_word_of_a_language_is_no_secret() -> None:
    source = 'package lexer\n\nimport "log/slog"\n\nfunc f(token string) { slog.Info("a", "n", token) }\n'

    assert found(source) == ()
    assert [each.rule for each in found(source.replace("lexer", "login"))] == ["secret"]


def test_a_secret_is_not_repeated_in_what_is_told() -> None:
    (*_, last) = found('package a\n\nimport "log"\n\nfunc f() { log.Print("AKIAIOSFODNN7EXAMPLE", password, 7) }\n')

    assert "AKIA" not in f"{last.what} {last.better}"
    assert "password" not in last.better


def test_packages_go_by_the_names_that_the_file_has_for_them() -> None:
    renamed = 'package a\n\nimport (\n\tout "fmt"\n\tfmt "log"\n)\n\nfunc f() { out.Println(); fmt.Println() }\n'
    dotted = 'package a\n\nimport . "fmt"\n\nfunc f() { Println("a") }\n'
    foreign = 'package a\n\nimport log "github.com/sirupsen/logrus"\n\nfunc f() { log.Println("a") }\n'

    assert [each.rule for each in found(renamed)] == ["print", "log"]
    assert [each.rule for each in found(dotted)] == ["print"]
    assert found(foreign) == ()
    own = "package a\n\nfunc println(of string) {}\n"
    assert found('package a\n\nfunc f() { println("a") }\n', own) == ()


@pytest.mark.parametrize(
    "imported",
    ['import ("fmt"; "log")', 'import("fmt";"log")', 'import "fmt"; import "log"', 'import (\n"fmt"\n"log"\n)'],
)
def test_imports_are_read_however_they_are_laid_out(imported: str) -> None:
    source = f'package a\n\n{imported}\n\nfunc f() {{ fmt.Println("a"); log.Println("b") }}\n'

    assert [each.rule for each in found(source)] == ["print", "log"]


EMBEDS = (
    'package a\n\nimport (\n\t"log"\n\t"log/slog"\n)\n\n'
    "type server struct {\n\tport int\n\t*log.Logger // of all\n}\n\n"
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('func (s *server) f() { s.Printf("a %d", 1); s.Logger.Printf("b"); s.other() }', ["log"] * 2),
        ('func f(s server) { s.Println("a") }', ["log"]),
        ('func f() { s := &server{port: 1}; s.Fatal("a") }', ["log"]),
        ('func (s *server) f() { s.Println("a"); s.Print("b") }\n\nfunc (s *server) Println(of string) {}', ["log"]),
        ('type client struct {\n\tport int\n}\n\nfunc f(s *client) { s.Println("a") }', []),
        ('type client struct {\n\tLogger *slog.Logger\n}\n\nfunc f(s *client) { s.Logger.Printf("a") }', []),
    ],
)
def test_a_type_that_embeds_a_logger_is_one_but_for_what_it_declares_itself(body: str, expected: list[str]) -> None:
    assert [each.rule for each in found(f"{EMBEDS}{body}\n")] == expected
    assert [each.rule for each in found(f'package a\n\nimport "log"\n\n{body}\n', EMBEDS)] == expected


def test_the_place_and_the_better_line_are_exact() -> None:
    body = 'func f(ctx context.Context, n int) {\n\t"é"; fmt.Printf("paid %d for %q\\n", n, order.ID)\n}\n'
    (each,) = found(f'package shop\n\nimport (\n\t"context"\n\t"fmt"\n)\n\n{body}')

    assert (each.where, each.package) == ("shop/shop.go:9:7", "shop")
    assert each.better == 'slog.InfoContext(ctx, "paid for", "n", n, "id", order.ID)'


@pytest.mark.parametrize(
    ("imported", "better"),
    [
        ("go.uber.org/zap", 'zap.L().Error("lost", zap.Error(err))'),
        ("github.com/rs/zerolog/log", 'log.Error().Err(err).Msg("lost")'),
        ("github.com/sirupsen/logrus", 'logrus.WithError(err).Error("lost")'),
    ],
)
def test_the_better_line_is_in_the_library_that_the_file_has(imported: str, better: str) -> None:
    source = f'package a\n\nimport (\n\t"fmt"\n\t"{imported}"\n)\n\nfunc f(err error) {{ fmt.Println("lost:", err) }}\n'

    assert [each.better for each in found(source)] == [better]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("fmt.Println(1) //firstfive:allow-print it is read", []),
        ("//firstfive:allow-print it is read\n\tfmt.Println(1)", []),
        ("fmt.Println(1) //firstfive:allow-print", ["no reason", "print"]),
        ("fmt.Println(1) // firstfive: allow", ["print"]),
        ("fmt.Println(password) //firstfive:allow-print it is read", ["secret"]),
    ],
)
def test_printing_is_allowed_with_a_reason(comment: str, expected: list[str]) -> None:
    assert rules(f"func f() {{\n\t{comment}\n}}") == expected
    assert found(f"//firstfive:allow-print its output is read\n{PRINTS}", PRINTS) == ()


def write(place: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


MAIN = 'package main\n\nimport (\n\t"fmt"\n\t"example.com/x/{}"\n\t{}\n)\n\nfunc main() {{ fmt.Println({}) }}\n'
TREE: dict[str, str | bytes] = {
    "go.mod": "module example.com/x\n",
    "cmd/tool/main.go": MAIN.format("report", '"flag"', "flag.Args()"),
    "cmd/serve/main.go": MAIN.format("server", '"flag"', "flag.Args()"),
    "report/report.go": PRINTS,
    "server/server.go": 'package server\n\nimport "net/http"\n\nvar err = http.ListenAndServe(":1", nil)\n',
    "server/pay.go": PRINTS.replace("package shop", "package server"),
    "server/pay_test.go": PRINTS,
    "server/made.go": f"// Code generated by x. DO NOT EDIT.\n\n{PRINTS}",
    "gen.go": f"//go:build ignore\n\n{PRINTS}",
    "vendor/v/v.go": PRINTS,
    "examples/e.go": PRINTS,
    "server/broken.go": b'package server\nimport "fmt"\nfunc ( {{{ \xff\x00 fmt.Println("a"\n}}}',
}


def linted(*words: str) -> tuple[int, list[str]]:
    done = firstfive("lint-logs", "--json", *words)
    return done.exit_code, sorted({each["path"] for each in json.loads(done.stdout)["findings"]})


def test_a_tool_may_print_and_a_service_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path, TREE))
    (tmp_path / "link.go").symlink_to(tmp_path / "server/pay.go")
    (tmp_path / "around").symlink_to(tmp_path)
    code, paths = linted(".")
    assert (code, [each for each in paths if "broken" not in each]) == (1, ["cmd/serve/main.go", "server/pay.go"])
    _, paths = linted("--strict", ".")
    assert {"cmd/tool/main.go", "report/report.go"} <= set(paths)
    assert linted("server/pay.go") == (1, ["server/pay.go"])
    assert linted("report") == (1, ["report/report.go"])  # by itself it is nobody's


def test_a_tool_in_the_tree_of_go_itself_prints_though_the_library_beside_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = MAIN.replace("example.com/x/", "cmd/go/internal/").format("report", '"flag"\n\t"net/http"', "flag.Args()")
    tree: dict[str, str | bytes] = {
        "src/cmd/go/main.go": own,
        "src/cmd/go/internal/report/report.go": PRINTS,
        "src/cmd/serve/main.go": own.replace("internal/report", "internal/door"),
        "src/cmd/go/internal/door/door.go": f"{TREE['server/server.go']!s}",
        "src/net/http/server.go": "package http\n\nfunc Serve(l listener) { l.Accept() }\n",
        "src/net/http/trace.go": PRINTS.replace("package shop", "package http"),
    }
    monkeypatch.chdir(write(tmp_path, tree))
    assert linted(".") == (1, ["src/cmd/serve/main.go", "src/net/http/trace.go"])
    assert linted("src") == (1, ["src/cmd/serve/main.go", "src/net/http/trace.go"])


def test_the_exit_code_and_the_error_say_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    for path, said in (("gone", "there is no"), ("note.txt", "is no Go"), ("", "there is no Go in")):
        done = firstfive("lint-logs", str(tmp_path / path))
        assert (done.exit_code, said in done.stderr, done.stdout) == (2, True, "")
    clean = firstfive("lint-logs", str(SHIPPED / "checkout"))
    own = [file for file in (SHIPPED / "checkout").rglob("*.go") if not file.name.endswith("_test.go")]
    assert (clean.exit_code, clean.stdout) == (0, f"{len(own)} files of Go: nothing found\n")
    done = firstfive("lint-logs", str(write(tmp_path, {"a.go": PRINTS})))
    assert done.exit_code == 1
    told = "a.go:5:19: risky logs/print: fmt.Println prints to standard output, where a service should log"
    assert done.stdout.splitlines()[1].endswith(told)


def test_sarif_says_the_same_and_an_alert_stays_itself_when_lines_move(tmp_path: Path) -> None:
    def alert(source: str) -> dict[str, object]:
        done = firstfive("lint-logs", "--sarif", str(write(tmp_path, {"a b.go": source})))
        (run,) = json.loads(done.stdout)["runs"]
        (result,) = run["results"]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "logs/print"
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.go"
        return {"line": place["physicalLocation"]["region"]["startLine"], **result["partialFingerprints"]}

    before, after = alert(PRINTS), alert(PRINTS.replace("func", "\n\nfunc"))
    assert (before.pop("line"), after.pop("line")) == (5, 7)
    assert before == after


async def test_one_file_that_cannot_be_read_takes_no_other_along(tmp_path: Path) -> None:
    write(tmp_path, {"a/a.go": PRINTS, "a/b.go": PRINTS, "big.go": PRINTS + "// " + "x" * 9_000_000})
    read = await read_logs(tmp_path)

    assert isinstance(read, Read)
    assert (read.files, len(read.calls), read.failed) == (2, 2, {})
    assert read.unseen == ("big.go: beyond 8 MB a file or 60000 files",)


async def test_a_service_is_looked_at_by_its_commit_and_a_folder_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"pay.go": PRINTS})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    write(tmp_path, {"pay.go": PRINTS.replace("fmt.Println", "fmt.Sprintln"), "more.go": PRINTS})

    async def bring(repository: str) -> Path | Missing:
        return Path(repository)

    async def places(service: Service | None) -> list[str]:
        subject = await LogsLook(bring)(Wanted(service, (), str(tmp_path)))
        assert isinstance(subject, Subject)
        return [each.where for each in judge(Audited.LOGS, subject.document)]

    assert await places(Service("checkout", ())) == ["pay.go:5:19"]
    assert await places(None) == ["more.go:5:19"]
    assert await LogsLook(bring)(Wanted(None)) == Missing("no repository is configured")
