"""Packets without what they carry: IP and TCP headers, kept as pcap, and what they tell of connections."""

import struct
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from ipaddress import ip_address

from bot.domain.errors import FirstFiveError

SNAP_BYTES = 96
"""Kept of one packet at most; the longest headers that are met in practice have 92."""
MAX_SECONDS = 10
MAX_PACKETS = 20_000
PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP_BYTES, 101)
"""Little-endian, microseconds, version 2.4, link type 101: each packet begins with its IP header."""
MAX_PCAP_BYTES = len(PCAP_HEAD) + MAX_PACKETS * (16 + SNAP_BYTES)
RECORD = struct.Struct("<IIII")
TCP = 6
IPV4_BYTES, IPV6_BYTES, TCP_BYTES = 20, 40, 20
FIN, SYN, RST, ACK = 1, 2, 4, 16
AGAIN_S = 0.02
"""The same headers so soon after are one packet seen on its way through two interfaces (measured: below 1 ms)."""
WRAP = 1 << 32
SHOWN = 3


class PcapMalformed(FirstFiveError):
    """Bytes are not a capture of headers; says at which byte."""


@dataclass(frozen=True)
class Packet:
    """One packet: when (seconds), from and to (address, port), TCP's numbers, how many bytes it carried."""

    at_s: float
    source: tuple[str, int]
    to: tuple[str, int]
    sequence: int
    flags: int
    window: int
    carried: int
    headers: bytes = field(repr=False, default=b"")

    def has(self, flag: int) -> bool:
        """Tell whether a flag is set."""
        return bool(self.flags & flag)


@dataclass(frozen=True)
class Traffic:
    """What a capture tells; `by_clients` are those of its peers, the rest is the service's own.

    Retransmissions are packets that were sent before, or came late. A zero window says: I do not read, send nothing.
    """

    packets: int
    seconds: float
    connections: int
    retransmissions: int = 0
    retransmissions_by_clients: int = 0
    resets: int = 0
    resets_by_clients: int = 0
    zero_windows: int = 0
    zero_windows_by_clients: int = 0
    unanswered: int = 0

    @property
    def words(self) -> str:
        """The same for a person."""
        if not self.packets:
            return "no packet came or went"
        told = [
            _told(self.retransmissions, self.retransmissions_by_clients, "retransmission"),
            _told(self.resets, self.resets_by_clients, "reset"),
            _told(self.zero_windows, self.zero_windows_by_clients, "zero window"),
            f"{self.unanswered} {_plural(self.unanswered, 'connection')} not answered" if self.unanswered else "",
        ]
        seen = f"{self.packets} {_plural(self.packets, 'packet')} of {self.connections} "
        seen += f"{_plural(self.connections, 'connection')} in {self.seconds:.1f} s"
        stood_out = ", ".join(filter(None, told)) or "no retransmission, reset or zero window"
        return f"{seen}: {stood_out}"


def _told(count: int, by_clients: int, what: str) -> str:
    if not count:
        return ""
    whose = {0: "by the service", count: "by clients"}.get(by_clients, f"{by_clients} by clients")
    return f"{count} {_plural(count, what)} ({whose})"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def headers_only(packet: bytes) -> bytes | None:
    """Cut an IP packet behind its TCP header; None when it has none, or not all of it is there."""
    start = _tcp_start(packet)
    if start is None or len(packet) < start + TCP_BYTES:
        return None
    end = start + (packet[start + 12] >> 4) * 4
    return packet[: min(end, SNAP_BYTES)] if end >= start + TCP_BYTES else None


def _tcp_start(packet: bytes) -> int | None:
    """Tell where TCP begins: not in a later fragment, and not behind extension headers of IPv6."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= IPV4_BYTES:  # noqa: PLR2004 - IPv4
        length = (packet[0] & 15) * 4
        is_first = int.from_bytes(packet[6:8], "big") & 0x1FFF == 0
        return length if length >= IPV4_BYTES and packet[9] == TCP and is_first else None
    if version == 6 and len(packet) >= IPV6_BYTES:  # noqa: PLR2004 - IPv6
        return IPV6_BYTES if packet[6] == TCP else None
    return None


def length_of(headers: bytes) -> int:
    """Give how long the packet was on its way, by its IP header."""
    if headers[0] >> 4 == 4:  # noqa: PLR2004 - IPv4
        return int.from_bytes(headers[2:4], "big")
    return IPV6_BYTES + int.from_bytes(headers[4:6], "big")


def record(at_ns: int, headers: bytes) -> bytes:
    """Write one packet as pcap does."""
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    return RECORD.pack(seconds % WRAP, rest_ns // 1_000, len(headers), max(length_of(headers), len(headers))) + headers


def read(pcap: bytes) -> Iterator[Packet]:
    """Read a capture of headers.

    :raises PcapMalformed: it is none, or damaged: at the place where it is, when that is reached.
    """
    if not pcap.startswith(PCAP_HEAD):
        raise PcapMalformed("not a capture of headers: another beginning")
    at = len(PCAP_HEAD)
    while at < len(pcap):
        if at + RECORD.size > len(pcap):
            raise PcapMalformed(f"cut off at byte {at}")
        seconds, micros, kept, _ = RECORD.unpack_from(pcap, at)
        headers = pcap[at + RECORD.size : at + RECORD.size + kept]
        if kept > SNAP_BYTES or len(headers) < kept or headers_only(headers) != headers:
            raise PcapMalformed(f"no headers at byte {at}")
        yield _packet(seconds + micros / 1e6, headers)
        at += RECORD.size + kept


def _packet(at_s: float, headers: bytes) -> Packet:
    start = IPV6_BYTES if headers[0] >> 4 == 6 else (headers[0] & 15) * 4  # noqa: PLR2004 - IPv6
    tcp = headers[start:]
    source, to = (headers[8:24], headers[24:40]) if headers[0] >> 4 == 6 else (headers[12:16], headers[16:20])  # noqa: PLR2004 - IPv6
    source_port, to_port, sequence = struct.unpack_from(">HHI", tcp)
    carried = max(length_of(headers) - start - (tcp[12] >> 4) * 4, 0)
    return Packet(
        at_s=at_s,
        source=(str(ip_address(source)), source_port),
        to=(str(ip_address(to)), to_port),
        sequence=sequence,
        flags=tcp[13],
        window=int.from_bytes(tcp[14:16], "big"),
        carried=carried,
        headers=headers[4:8] + tcp[:16],
    )


def summarise(pcap: bytes, ports: AbstractSet[int]) -> Traffic:
    """Count what stands out; the service is the side with one of these ports.

    :raises PcapMalformed: see `read`.
    """
    packets = list(_once(read(pcap)))
    mine = [each.source[1] in ports for each in packets]
    again = list(_sent_before(packets))
    resets = [each.has(RST) for each in packets]
    zero = [each.window == 0 and not each.has(RST) and not each.has(SYN) for each in packets]
    asked = {(each.source, each.to) for each in packets if each.has(SYN) and not each.has(ACK)}
    answered = {(each.to, each.source) for each in packets if each.has(SYN | RST) and each.has(ACK)}

    def by_clients(what: list[bool]) -> int:
        return sum(each and not own for each, own in zip(what, mine, strict=True))

    return Traffic(
        packets=len(packets),
        seconds=round(packets[-1].at_s - packets[0].at_s, 3) if packets else 0.0,
        connections=len({frozenset((each.source, each.to)) for each in packets}),
        retransmissions=sum(again),
        retransmissions_by_clients=by_clients(again),
        resets=sum(resets),
        resets_by_clients=by_clients(resets),
        zero_windows=sum(zero),
        zero_windows_by_clients=by_clients(zero),
        unanswered=len(asked - answered),
    )


def _once(packets: Iterable[Packet]) -> Iterator[Packet]:
    """Leave out what was seen before at another interface."""
    last: dict[tuple[tuple[str, int], tuple[str, int]], Packet] = {}
    for each in packets:
        before = last.get((each.source, each.to))
        last[each.source, each.to] = each
        if before is None or before.headers != each.headers or each.at_s - before.at_s > AGAIN_S:
            yield each


def _sent_before(packets: Iterable[Packet]) -> Iterator[bool]:
    """Tell of each packet whether all that it carries was sent before; a probe of a quiet connection is none."""
    reached: dict[tuple[tuple[str, int], tuple[str, int]], int] = {}
    for each in packets:
        way = (each.source, each.to)
        takes = each.carried + each.has(SYN) + each.has(FIN)
        end = (each.sequence + takes) % WRAP
        known = reached.get(way)
        ahead = None if known is None else (end - known) % WRAP
        is_new = ahead is None or 0 < ahead < WRAP // 2
        is_probe = takes - each.has(FIN) <= 1 and not each.has(SYN | FIN) and known == (each.sequence + 1) % WRAP
        yield takes > 0 and not is_new and not is_probe
        if is_new or (each.has(SYN) and not each.has(ACK)):
            reached[way] = end
