"""The audit of probes: Go as people write it, the lab and the services of the tests, targets that answer."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.adapters.audits.gosource import GoFiles, read
from bot.adapters.audits.gotree import GoFile
from bot.adapters.audits.probes import ProbesLook, describe
from bot.adapters.routers.api import Api
from bot.adapters.targets.pods import Pods
from bot.domain.audits import Audited, Grade, Remark, Subject, judge
from bot.domain.pods import PodsPlan
from bot.domain.run import Missing
from bot.domain.service import Service, Target
from bot.ports import Wanted

ROOT = Path(__file__).parents[3]
HEAD = 'package a\n\nimport (\n\t"net/http"\n\t"time"\n)\n\n'


def remarks(*sources: str) -> list[Remark]:
    files = GoFiles(tuple(GoFile(f"{number}.go", source.encode()) for number, source in enumerate(sources)))
    return list(judge(Audited.PROBES, describe(files)))


def rules(*sources: str) -> set[str]:
    return {each.rule for each in remarks(*sources)}


GOSEC = [
    # G114: functions of net/http that leave no way to set a timeout.
    ('func f() { http.ListenAndServe(":8080", nil) }', {"no timeouts"}),
    ('func f() { http.ListenAndServeTLS(":8443", "c", "k", nil) }', {"no timeouts"}),
    ("func f() { http.Serve(l, nil) }", {"no timeouts"}),
    ('func f() { http.ServeTLS(l, nil, "c", "k") }', {"no timeouts"}),
    # G112: a literal without ReadHeaderTimeout, unless there is a ReadTimeout.
    ('func f() { s := &http.Server{Addr: ":1"}; s.ListenAndServe() }', {"timeouts"}),
    ('func f() { s := &http.Server{Addr: ":1", ReadTimeout: time.Minute}; s.ListenAndServe() }', set()),
    ('func f() { s := &http.Server{Addr: ":1", ReadHeaderTimeout: 3 * time.Second}; s.ListenAndServe() }', set()),
]


@pytest.mark.parametrize(("body", "expected"), GOSEC)
def test_what_gosec_documents_is_told_and_what_it_leaves_is_left(body: str, expected: set[str]) -> None:
    assert {each.rule for each in remarks(HEAD + body) if each.grade is Grade.WRONG} == expected


LATER = """const long = 30 * time.Second
func f() {
	var s http.Server
	s.ReadTimeout = long
	s.WriteTimeout = long
}"""
FIELD = """func (a *app) f() {
	a.s = &http.Server{}
	other, third = 3, 4
	a.s.ReadTimeout = time.Minute
}"""


def test_timeouts_may_be_set_after_the_literal_or_by_a_constant() -> None:
    assert rules(HEAD + LATER) == set()
    assert rules(HEAD + FIELD) == {"timeouts"}


def test_another_name_of_the_package_and_another_package_of_the_name() -> None:
    renamed = 'package a\nimport web "net/http"\nfunc f() { web.ListenAndServe(":1", nil); _ = web.Client{} }\n'
    assert rules(renamed) == {"no timeouts", "client timeout"}
    other = 'package a\nimport "example.com/http"\nfunc f() { http.ListenAndServe(":1", nil); _ = http.Client{} }\n'
    assert rules(other) == set()


PING = "func (s *shop) check(ctx context.Context) error { return s.db.PingContext(ctx) }\n"
BAD = [
    'http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { rdb.Ping(r.Context()) })',
    'mux.HandleFunc("GET /livez", s.live)',
    'mux.Handle("/health/live", http.HandlerFunc(s.live))',
    'r.Get("/health/live", recovered(s.live))',
    'mux.HandleFunc("/livez", live(s))',
    "mux.HandleFunc(livePath, s.live)",
    'http.HandleFunc("/livez", func(w http.ResponseWriter, r *http.Request) { http.Get("http://stock/") })',
    'e.GET("/livez", func(c echo.Context) error { return db.QueryRowContext(c, "SELECT 1").Err() })',
]
GOOD = [
    'mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })',
    'mux.HandleFunc("/readyz", s.live)',
    'mux.HandleFunc("/livez", func(w http.ResponseWriter, r *http.Request) { once.Do(start); r.URL.Query().Get("x") })',
    'mux.HandleFunc("/livez", func(w http.ResponseWriter, r *http.Request) { client.Do(func() {}) })',
    'mux.HandleFunc("/livez", s.far)',
    'mux.HandleFunc("/orders/live", s.missing)',
]  # fmt: skip
CODE = """
const livePath = "/livez"
func (s *shop) live(w http.ResponseWriter, r *http.Request) { _ = s.check(r.Context()) }
func live(s *shop) http.HandlerFunc { return func(w http.ResponseWriter, r *http.Request) { _ = s.check(r.Context()) } }
func (s *shop) far(w http.ResponseWriter, r *http.Request) { one() }
func one() { two() }
func two() { three() }
func three() { http.Get("http://too-far/") }
func routes(s *shop) { %s }
"""


@pytest.mark.parametrize("registered", BAD)
def test_a_liveness_that_asks_others_is_found_however_it_is_registered(registered: str) -> None:
    found = [each for each in remarks(HEAD + CODE % registered, "package a\n" + PING) if each.rule == "liveness"]
    assert [each.where for each in found] == ["0.go:16"], found


@pytest.mark.parametrize("registered", GOOD)
def test_a_liveness_that_asks_nobody_or_is_none_is_left_alone(registered: str) -> None:
    assert "liveness" not in rules(HEAD + CODE % registered, "package a\n" + PING)


async def told(folder: str) -> list[Remark]:
    files = await read(ROOT / folder)
    assert isinstance(files, GoFiles)
    return list(judge(Audited.PROBES, describe(files)))


async def test_the_lab_is_told_of_the_mistake_that_its_drill_shows_and_of_one_line_each() -> None:
    found = await told("bot/lab/checkout")
    (liveness,) = [each for each in found if each.rule == "liveness"]
    assert liveness.where.startswith("users.go:")
    assert "/health/live asks others: stockClient.Do at stock.go:" in liveness.what
    assert "(by answerHealth > pingStock)" in liveness.what
    assert {each.rule for each in found} == {"liveness", "timeouts", "client timeout"}


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("careless", {"no timeouts"}),
        ("clinic", {"no timeouts", "client timeout"}),
        ("dispatcher", {"no timeouts", "client timeout", "timeouts"}),
        ("warehouse", {"no timeouts", "client timeout", "timeouts"}),
    ],
)
async def test_the_services_of_the_tests_are_told_of_what_they_lack(service: str, expected: set[str]) -> None:
    assert {each.rule for each in await told(f"tests/services/{service}")} == expected


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_live = self.path == "/health/live"
        content = json.dumps({"error": "redis: dial tcp 10.0.0.9:6379: i/o timeout"} if is_live else {}).encode()
        self.send_response(503 if is_live else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def target() -> Iterator[Target]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield Target("checkout-1", "checkout", url, f"{url}/orders")
        server.shutdown()
        thread.join()


async def bring(place: str) -> Path | Missing:
    found = Path(place)
    is_there = await asyncio.to_thread(found.is_dir)
    return found if is_there else Missing(f"the repository {place} is not there")


async def look(of: Wanted) -> Subject | Missing:
    pods = Pods(Api(""))
    return await ProbesLook(bring, pods.capture, pods.ask)(of)


async def test_what_answers_is_judged_where_there_is_no_source(target: Target) -> None:
    seen = await look(Wanted(Service("checkout", (target,)), (target,)))
    assert isinstance(seen, Subject)
    (remark,) = judge(Audited.PROBES, seen.document)
    assert (remark.where, remark.rule) == ("checkout-1", "liveness")
    assert "/health/live answers 503" in remark.what
    assert (seen.looked_at, seen.unseen) == ("the health of checkout-1", ("no repository is configured",))


async def test_why_pods_are_not_known_is_said_once(target: Target) -> None:
    plan = PodsPlan(target.url or "", "shop", "app=checkout")
    targets = tuple(replace(target, name=name, pods=plan) for name in ("checkout-1", "checkout-2"))
    seen = await look(Wanted(Service("checkout", targets), targets))
    assert isinstance(seen, Subject)
    first, second = seen.unseen
    assert first.startswith("checkout-1, checkout-2: its pod is not known")
    assert second == "no repository is configured"


async def test_source_is_read_where_nobody_answers(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(HEAD + GOSEC[0][0])
    nowhere = Target("checkout-1", "checkout", "http://127.0.0.1:9")
    seen = await look(Wanted(None, (nowhere,), str(tmp_path)))
    assert isinstance(seen, Subject)
    assert seen.looked_at == f"1 Go file at {tmp_path.name}"
    assert seen.unseen == ("checkout-1 has no `url` to ask for its health",)


async def test_where_there_is_nothing_to_look_at_the_reasons_are_told(tmp_path: Path) -> None:
    assert await look(Wanted(None)) == Missing("no repository is configured")
    assert await look(Wanted(None, (), str(tmp_path / "x"))) == Missing(f"the repository {tmp_path / 'x'} is not there")
