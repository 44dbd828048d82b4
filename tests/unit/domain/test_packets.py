import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.packets import (
    ACK,
    FIN,
    PCAP_HEAD,
    RST,
    SNAP_BYTES,
    SYN,
    PcapMalformed,
    Traffic,
    headers_only,
    read,
    record,
    summarise,
)

CLIENT, SERVER = 50_000, 8_080
BODY = b"password=hunter2hunter2"


def tcp(ports: tuple[int, int], sequence: int, flags: int, window: int = 500, options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    return struct.pack(">HHIIBBHHH", *ports, sequence, 0, words << 4, flags, window, 0, 0) + options


def ipv4(payload: bytes, number: int = 0, fragment: int = 0, protocol: int = 6, host: int = 1) -> bytes:
    addresses = bytes((10, 0, 0, host)), bytes((10, 0, 0, 3 - host))
    total = 20 + len(payload)
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, number, fragment, 64, protocol, 0, *addresses) + payload


def ipv6(payload: bytes, header: int = 6) -> bytes:
    return struct.pack(">IHBB16s16s", 6 << 28, len(payload), header, 64, b"\xfd" + b"\0" * 15, b"\xfe" * 16) + payload


def pcap(packets: Iterable[tuple[float, bytes]]) -> bytes:
    kept = [(at_s, headers_only(packet)) for at_s, packet in packets]
    return PCAP_HEAD + b"".join(record(int(at_s * 1e9), headers) for at_s, headers in kept if headers)


def sent(*segments: tuple[int, int, int, bytes], window: int = 500, step_s: float = 0.1) -> bytes:
    """Give a capture of (from port, sequence, flags, payload), the other port being the other one."""
    ways = {CLIENT: ((CLIENT, SERVER), 1), SERVER: ((SERVER, CLIENT), 2)}
    packets = []
    for number, (port, sequence, flags, body) in enumerate(segments, 1):
        ports, host = ways[port]
        packets.append((number * step_s, ipv4(tcp(ports, sequence, flags, window) + body, number, host=host)))
    return pcap(packets)


def told(capture: bytes) -> Traffic:
    return summarise(capture, {SERVER})


@pytest.mark.parametrize("packet", [ipv4(tcp((1, 2), 3, ACK) + BODY), ipv6(tcp((1, 2), 3, ACK) + BODY)])
def test_a_packet_is_cut_behind_its_tcp_header(packet: bytes) -> None:
    assert headers_only(packet) == packet.removesuffix(BODY)


def test_options_belong_to_the_header() -> None:
    packet = ipv4(tcp((1, 2), 3, ACK, options=b"\1" * 12) + BODY)
    assert headers_only(packet) == packet.removesuffix(BODY)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x45",
        ipv4(tcp((1, 2), 3, ACK))[:39],
        ipv4(BODY, protocol=17),
        ipv4(BODY * 2, fragment=185),
        ipv6(BODY * 2, header=44),
        ipv4(tcp((1, 2), 3, ACK)[:12] + b"\x10" + BODY),
        b"\x41" + ipv4(tcp((1, 2), 3, ACK) + BODY)[1:],
        BODY * 9,
    ],
)
def test_what_has_no_tcp_header_is_not_kept(packet: bytes) -> None:
    assert headers_only(packet) is None


@given(packet=st.binary(max_size=300))
def test_nothing_but_headers_is_kept_of_any_packet(packet: bytes) -> None:
    headers = headers_only(packet)
    if headers is not None:
        assert len(headers) <= SNAP_BYTES
        assert headers_only(headers + b"more of it") in {headers, headers + b"more of it"[: SNAP_BYTES - len(headers)]}


def test_a_capture_is_read_back() -> None:
    (packet,) = read(pcap([(1.5, ipv6(tcp((CLIENT, SERVER), 7, ACK, 9) + BODY))]))

    assert (packet.at_s, packet.source, packet.to) == (1.5, ("fd00::", CLIENT), (":".join(["fefe"] * 8), SERVER))
    assert (packet.sequence, packet.window, packet.carried) == (7, 9, len(BODY))


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        (b"", "another beginning"),
        (b"\xd4\xc3\xb2\xa1" + b"\0" * 20, "another beginning"),
        (PCAP_HEAD + b"\0" * 15, "cut off at byte 24"),
        (PCAP_HEAD + struct.pack("<IIII", 0, 0, 40, 40), "no headers at byte 24"),
        (PCAP_HEAD + struct.pack("<IIII", 0, 0, 63, 63) + ipv4(tcp((1, 2), 3, ACK) + BODY), "no headers at byte 24"),
        (sent((CLIENT, 1, ACK, b""))[:-1], "no headers at byte 24"),
    ],
)
def test_a_damaged_capture_says_where(capture: bytes, said: str) -> None:
    with pytest.raises(PcapMalformed, match=said):
        list(read(capture))


@given(tail=st.binary(max_size=200), cut=st.integers(0, 200))
def test_nothing_but_the_typed_error_is_ever_raised(tail: bytes, cut: int) -> None:
    good = sent((CLIENT, 1, SYN, b""), (SERVER, 1, SYN | ACK, b""))
    for capture in (tail, PCAP_HEAD + tail, good[:cut] + tail):
        try:
            told(capture)
        except PcapMalformed as error:
            assert str(error)  # noqa: PT017 - either a summary or this


def test_a_quiet_connection_has_nothing_to_tell() -> None:
    traffic = told(
        sent(
            (CLIENT, 100, SYN, b""),
            (SERVER, 900, SYN | ACK, b""),
            (CLIENT, 101, ACK, b""),
            (CLIENT, 101, ACK, b"GET"),
            (SERVER, 901, ACK, b"200"),
            (CLIENT, 104, ACK, b""),
            (CLIENT, 104, FIN | ACK, b""),
            (SERVER, 904, FIN | ACK, b""),
        )
    )

    assert traffic == Traffic(8, 0.7, 1)
    assert traffic.words == "8 packets of 1 connection in 0.7 s: no retransmission, reset or zero window"


def test_what_is_sent_again_is_counted() -> None:
    traffic = told(
        sent(
            (SERVER, 1, ACK, b"a" * 10),
            (SERVER, 11, ACK, b"b" * 10),
            (SERVER, 1, ACK, b"a" * 10),
            (CLIENT, 5, ACK, b"x"),
            (CLIENT, 6, ACK, b"yy"),
            (CLIENT, 6, ACK, b"yy"),
            (SERVER, 21, ACK, b"c"),
        )
    )

    assert (traffic.retransmissions, traffic.retransmissions_by_clients) == (2, 1)
    assert "2 retransmissions (1 by clients)" in traffic.words


def test_numbers_that_wrap_around_are_no_retransmission() -> None:
    assert told(sent((SERVER, 2**32 - 2, ACK, b"abcd"), (SERVER, 2, ACK, b"e"))).retransmissions == 0


def test_a_probe_of_a_quiet_connection_is_no_retransmission() -> None:
    assert told(sent((SERVER, 1, ACK, b"abc"), (SERVER, 3, ACK, b"c"), (SERVER, 3, ACK, b""))).retransmissions == 0


def test_a_port_that_is_used_again_begins_anew() -> None:
    segments = (
        (CLIENT, 5_000, SYN, b""),
        (CLIENT, 5_001, ACK, b"abc"),
        (CLIENT, 10, SYN, b""),
        (CLIENT, 11, ACK, b"x"),
    )
    assert told(sent(*segments)).retransmissions <= 1


def test_resets_are_laid_at_the_door_of_who_sent_them() -> None:
    traffic = told(sent((CLIENT, 1, SYN, b""), (SERVER, 0, RST | ACK, b""), (CLIENT, 9, RST, b"")))

    assert (traffic.resets, traffic.resets_by_clients, traffic.unanswered) == (2, 1, 0)


def test_clients_that_do_not_read_are_seen_by_their_window() -> None:
    traffic = told(sent((CLIENT, 1, ACK, b""), (CLIENT, 1, ACK, b""), (CLIENT, 1, RST, b""), window=0))

    assert (traffic.zero_windows, traffic.zero_windows_by_clients) == (2, 2)
    assert "2 zero windows (by clients)" in traffic.words


def test_connections_that_nobody_takes_are_counted() -> None:
    traffic = told(sent((CLIENT, 1, SYN, b""), (CLIENT, 1, SYN, b"")))

    assert (traffic.unanswered, traffic.retransmissions) == (1, 1)
    assert traffic.words.endswith("1 retransmission (by clients), 1 connection not answered")


def test_a_packet_seen_at_two_interfaces_counts_once() -> None:
    packet = ipv4(tcp((SERVER, CLIENT), 1, ACK) + b"abc", number=77)
    again = ipv4(tcp((SERVER, CLIENT), 1, ACK) + b"abc", number=78)
    traffic = told(pcap([(1.0, packet), (1.0005, packet), (1.3, again)]))

    assert (traffic.packets, traffic.retransmissions) == (2, 1)


def test_silence_is_said() -> None:
    assert told(PCAP_HEAD).words == "no packet came or went"
