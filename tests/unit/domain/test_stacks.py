import pytest

from bot.domain.stacks import Frame, in_handler, is_standard, own_frame, package, servers, waits_for
from tests.unit.domain.go_profiles import SERVE, main_frame


@pytest.mark.parametrize(
    ("function", "path"),
    [
        ("main.main", "main"),
        ("main.(*pool).Get", "main"),
        ("net/http.(*conn).serve", "net/http"),
        ("example.com/checkout/store.Get.func1", "example.com/checkout/store"),
        ("main.Map[example.com/other/pkg.Key]", "main"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml%2ev3"),
    ],
)
def test_package_is_everything_before_the_first_dot_after_the_last_slash(function: str, path: str) -> None:
    assert package(function) == path


@pytest.mark.parametrize(
    "function", ["runtime.gopark", "net/http.(*conn).serve", "type:.eq.main.T", "memeqbody", "iter.Pull[int]"]
)
def test_runtime_and_standard_library_are_standard(function: str) -> None:
    assert is_standard(function)


@pytest.mark.parametrize("function", ["main.main", "example.com/a.F", "checkout/store.Get", "github.com/lib/pq.Open"])
def test_services_and_libraries_are_not(function: str) -> None:
    assert not is_standard(function)


def test_own_frame_prefers_the_module_over_a_library() -> None:
    library, own = Frame("github.com/lib/pq.(*conn).query"), Frame("example.com/checkout/store.Get")
    stack = (Frame("runtime.gopark"), library, own, *SERVE)

    assert own_frame(stack) == library
    assert own_frame(stack, "example.com/checkout") == own
    assert own_frame((library,), "example.com/checkout") == library
    assert own_frame(SERVE) is None


def test_a_request_is_in_a_handler_of_the_service() -> None:
    assert in_handler((main_frame("slow"), *SERVE))
    assert in_handler((main_frame("slow"), Frame("net/http/internal/http2.(*serverConn).runHandler")))
    assert not in_handler(SERVE), "an idle connection"
    assert not in_handler((Frame("net/http/pprof.Index"), main_frame("admin"), *SERVE)), "our own capture"
    assert not in_handler((main_frame("worker"),))


@pytest.mark.parametrize(
    ("inner", "wait"),
    [
        (["runtime.gopark", "runtime.chansend", "runtime.chansend1"], "chan send"),
        (["runtime.gopark", "runtime.selectgo"], "select"),
        (["runtime.gopark", "runtime.selectgo", "net/http.(*persistConn).roundTrip"], "HTTP answer"),
        (["runtime.gopark", "runtime.selectgo", "net/http/internal/http2.(*ClientConn).roundTrip"], "HTTP answer"),
        (["runtime.gopark", "runtime.selectgo", "database/sql.(*DB).conn"], "SQL connection"),
        (
            ["runtime.gopark", "runtime.selectgo", "net/http/internal/http2.(*serverConn).writeDataFromHandler"],
            "stream unread",
        ),
        (["runtime.gopark", "net.(*netFD).Write", "net/http.checkConnErrorWriter.Write"], "answer unread"),
        (
            ["runtime.gopark", "runtime.semacquire1", "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock"],
            "sync.Mutex.Lock",
        ),
        (["runtime.memmove"], ""),
    ],
)
def test_the_wait_is_read_off_the_frames_above_the_services_own(inner: list[str], wait: str) -> None:
    assert waits_for([*map(Frame, inner), main_frame("f"), Frame("time.Sleep")]) == wait


def test_a_frame_is_written_without_the_build_machines_folders() -> None:
    assert str(Frame("main.f", "/home/anna/work/checkout/main.go", 7)) == "main.f (checkout/main.go:7)"
    assert str(Frame("main.f")) == "main.f"


def test_who_accepts_connections_without_net_http_is_a_server() -> None:
    wire, grpc = Frame("acme.dev/wire.(*Server).Serve"), Frame("google.golang.org/grpc.(*Server).Serve")
    accepts = (Frame("runtime.gopark"), Frame("internal/poll.(*FD).Accept"), Frame("net.(*TCPListener).Accept"))
    tls = Frame("crypto/tls.(*listener).Accept")
    known = servers(
        [
            (*accepts, wire, main_frame("main")),
            (*accepts, tls, grpc),
            (*accepts, Frame("net/http.(*Server).Serve"), main_frame("serve")),
            (*accepts, main_frame("listen")),
            (main_frame("worker"),),
        ]
    )

    assert known == {"acme.dev/wire", "google.golang.org/grpc"}
    assert in_handler((main_frame("answer"), Frame("acme.dev/wire.(*conn).stream")), known)
    assert not in_handler((Frame("acme.dev/wire.(*conn).write"), Frame("acme.dev/wire.(*conn).loop")), known)
    assert not in_handler((main_frame("worker"), main_frame("listen")), known), "main says nothing of requests"
