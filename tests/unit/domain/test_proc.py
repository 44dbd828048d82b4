from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import proc
from bot.domain.proc import Cgroup, ProcMalformed, Socket, Throttling

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TABLE = [
    HEAD,
    b"   0: 0100007F:17AC 00000000:0000 0A 00000002:00000000 00:00000000 00000000  0  0 111 1 0 100 0 0 10 0\n",
    b"   1: 0100007F:17AC 0100007F:C350 01 00000032:00000000 00:00000000 00000000  0  0 113 1 0 20 4 30 10 -1\n",
    b"   2: 0100007F:17AC 0100007F:C351 06 00000000:00000000 03:00000176 00000000     0        0 0 3 0\n",
    b"   3: 0100007F:9C41 0200000A:1538 01 00000000:00000000 00:00000000 00000000  0  0 116 1 0 20 4 30 10 -1\n",
]


def test_sockets_are_read_and_counted() -> None:
    sockets = list(proc.read_sockets(TABLE, "tcp"))
    counted = proc.tally(sockets, {6060})

    assert sockets[0] == Socket("0100007F:17AC", 6060, "00000000:0000", "LISTEN", 0, "111")
    assert counted.states == {"LISTEN": 1, "ESTABLISHED": 1, "TIME_WAIT": 1}
    assert counted.machine == {"LISTEN": 1, "ESTABLISHED": 2, "TIME_WAIT": 1}
    assert counted.unsent == 1
    assert counted.listening == (sockets[0],)
    assert counted.opened == (("116", "0200000A:1538"),)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   1: 0100007F:17AC 0100007F:C350 01",
        TABLE[1].replace(b"17AC", b"117AC"),
        TABLE[1].replace(b"17AC", b"-1"),
        TABLE[1].replace(b"17AC", "ÄÖ".encode()),
        TABLE[1].replace(b" 111 ", b" -11 "),
        TABLE[1].replace(b"00000002:", b"many:"),
    ],
)
def test_a_damaged_socket_says_in_which_line(line: bytes) -> None:
    with pytest.raises(ProcMalformed, match=r"^/proc/net/tcp, line 3: .* is no socket$"):
        list(proc.read_sockets([*TABLE[:2], line, TABLE[2]], "/proc/net/tcp"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000000000000000000001000000:0050", "[::1]:80"),
        ("0000000000000000FFFF00000100007F:0050", "127.0.0.1:80"),
        ("B80D0120000000000000000001000000:0050", "[2001:db8::1]:80"),
    ],
)
def test_endpoints_are_read(text: str, expected: str) -> None:
    assert proc.endpoint(text) == expected


def test_a_machine_of_the_other_order_has_its_addresses_straight() -> None:
    assert proc.address("7F000001:1F90", "big") == "127.0.0.1"


@pytest.mark.parametrize("text", ["", "7F", "0100007F", "0100007F:XY", "01 00 00 7F 01:0050", "zz00007F:0050"])
def test_what_is_no_endpoint_is_said(text: str) -> None:
    with pytest.raises(ProcMalformed, match="is no address"):
        proc.endpoint(text)


def test_memory_limits_and_starts_are_read() -> None:
    assert proc.read_memory(b"Name:\tx\nVmHWM:\t  200 kB\nVmRSS:\t  100 kB\n") == proc.Memory(102_400, 204_800)
    assert proc.read_memory(b"Name:\tkthreadd\n") == proc.Memory(None, None)
    assert proc.read_file_limit(b"Limit  Soft\nMax open files            1024     4096     files\n") == 1024
    assert proc.read_file_limit(b"Max open files            unlimited            unlimited            files\n") is None
    assert proc.read_start(b"1 (a (b) c) S " + b" ".join(b"%d" % each for each in range(4, 30))) == 22
    assert proc.read_state(b"1 (a (b) c) T 4 5") == "T"
    assert proc.read_state(b"") == ""
    assert proc.read_boot(b"cpu 1 2\nbtime 1772366400\n") == 1_772_366_400
    assert proc.read_uptime(b"500.25 900.00\n") == 500.25
    assert proc.read_port_range(b"32768\t60999\n") == (32_768, 60_999)


def test_cgroups_and_their_limits_are_read() -> None:
    assert proc.read_cgroups(b"0::/shop/checkout\n") == (Cgroup("", "/shop/checkout"),)
    both = b"5:cpu,cpuacct:/a\n1:name=systemd:/b:c\n"
    assert proc.read_cgroups(both) == (Cgroup("cpu", "/a"), Cgroup("cpuacct", "/a"), Cgroup("name=systemd", "/b:c"))
    assert proc.read_limit(b"max\n") is None
    assert proc.read_limit(b"9223372036854771712\n") is None
    assert proc.read_limit(b"536870912\n") == 536_870_912
    assert proc.read_cores(b"max 100000\n") is None
    assert proc.read_cores(b"-1\n 100000\n") is None
    assert proc.read_cores(b"150000 100000\n") == 1.5
    assert proc.read_throttling(b"usage_usec 1\nnr_periods 20\nnr_throttled 3\n") == Throttling(20, 3)
    assert proc.read_throttling(b"usage_usec 1\n") is None


def test_a_path_that_leads_out_of_the_cgroups_is_left_out() -> None:
    assert proc.read_cgroups(b"0::/../../other\n4:memory:/..\n5:cpu:/..shop\n") == (Cgroup("cpu", "/..shop"),)


def _sockets(data: bytes) -> object:
    return proc.tally(proc.read_sockets(data.splitlines(keepends=True), "tcp"), {80})


def _endpoint(data: bytes) -> object:
    return proc.endpoint(data.decode("latin-1"))


READERS: tuple[Callable[[bytes], object], ...] = (
    _sockets,
    _endpoint,
    proc.read_memory,
    proc.read_file_limit,
    proc.read_start,
    proc.read_state,
    proc.read_boot,
    proc.read_uptime,
    proc.read_port_range,
    proc.read_cgroups,
    proc.read_limit,
    proc.read_cores,
    proc.read_throttling,
)
REAL = (
    b"".join(TABLE),
    b"VmHWM:\t  200 kB\nVmRSS:\t  100 kB\n",
    b"Max open files            1024                 4096                 files\n",
    b"1 (a (b) c) S " + b" ".join(b"%d" % each for each in range(4, 30)),
    b"btime 1772366400\n",
    b"500.25 900.00\n",
    b"32768\t60999\n",
    b"0::/shop\n5:cpu,cpuacct:/a\n",
    b"50000 100000\n",
    b"nr_periods 20\nnr_throttled 3\n",
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Give a real table with a piece of it replaced by any bytes."""
    text = draw(st.sampled_from(REAL))
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text[:start] + draw(st.binary(max_size=40)) + text[end:]


@pytest.mark.parametrize("read", READERS)
@given(data=st.one_of(st.binary(max_size=200), damaged()))
def test_nothing_but_the_typed_error_is_ever_raised(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        read(data)
    except ProcMalformed as error:
        assert str(error)  # noqa: PT017 - either a value or this
