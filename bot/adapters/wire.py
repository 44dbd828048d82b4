"""Packets at a process's ports, as they pass: the kernel cuts them behind their TCP header before we see them."""

import ctypes
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.domain.packets import MAX_PACKETS, MAX_SECONDS, PCAP_HEAD, SNAP_BYTES, headers_only, record
from bot.domain.snapshot import Captured, Part, captured, missed, packets_part, skipped

ALL_PROTOCOLS = 0x0003
SO_ATTACH_FILTER = 26
SOL_PACKET, PACKET_STATISTICS, PACKET_OUTGOING = 263, 6, 4
"""linux/if_ether.h, asm-generic/socket.h, linux/if_packet.h"""
RECEIVE_BYTES = 4 * 1024 * 1024
MAX_PORTS = 16
INSTRUCTION = struct.Struct("=HBBI")

Instruction = tuple[int, int | str, int | str, int]
"""Operation, where to go on when true and when false (a number of instructions, or a label), operand."""


def watch(name: str, ports: Sequence[int], seconds: int) -> Captured:
    """Capture the headers of what passes at some TCP ports for some seconds, or until there are MAX_PACKETS."""
    part, started = packets_part(seconds), time.monotonic()
    if sys.platform != "linux":
        return skipped(name, part, f"{name}: only Linux captures packets")
    if not 0 < seconds <= MAX_SECONDS or not 0 < len(ports) <= MAX_PORTS:
        return missed(name, part, f"{name}: packets are captured for 1 to {MAX_SECONDS} s, at 1 to {MAX_PORTS} ports")
    try:
        with _opened(ports) as tap:
            records = _listen(tap, started + seconds)
            lost = _lost(tap)
    except PermissionError:
        why = "it may not: it needs CAP_NET_RAW (AmbientCapabilities=CAP_NET_RAW in its systemd unit)"
        return missed(name, part, f"{name}: packets could not be captured: {why}", time.monotonic() - started)
    except OSError as error:
        return missed(name, part, f"{name}: packets could not be captured: {error.strerror}")
    return _kept(name, part, records, lost, time.monotonic() - started)


def _kept(name: str, part: Part, records: Sequence[bytes], lost: int, elapsed_s: float) -> Captured:
    error = f"{name}: {lost} packets came too fast and were not kept" if lost else ""
    if len(records) >= MAX_PACKETS:
        error = f"{name}: {MAX_PACKETS} packets were there after {elapsed_s:.1f} s, so that was all"
    return captured(name, part, PCAP_HEAD + b"".join(records), elapsed_s, error)


@contextmanager
def _opened(ports: Sequence[int]) -> Iterator[socket.socket]:
    """Open a tap on all interfaces; it hears nothing until its filter is in place."""
    program = b"".join(packet_filter(ports))
    kept = ctypes.create_string_buffer(program)
    attached = struct.pack("@HP", len(program) // INSTRUCTION.size, ctypes.addressof(kept))
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as tap:
        tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, attached)
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        _bind_everywhere(tap)
        yield tap


def _bind_everywhere(tap: socket.socket) -> None:
    """Bind to all interfaces, of which Python's own bind knows nothing (packet(7): interface 0 is any)."""
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ALL_PROTOCOLS), 0, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).bind(tap.fileno(), address, len(address)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _listen(tap: socket.socket, until: float) -> list[bytes]:
    records: list[bytes] = []
    while len(records) < MAX_PACKETS and (left_s := until - time.monotonic()) > 0:
        tap.settimeout(left_s)
        try:
            packet, (interface, _, kind, *_) = tap.recvfrom(SNAP_BYTES)
        except TimeoutError:
            break
        # The loopback interface shows every packet twice: as it goes and as it comes.
        if kind == PACKET_OUTGOING and interface == "lo":
            continue
        if (headers := headers_only(packet)) is not None:
            records.append(record(time.time_ns(), headers))
    return records


def _lost(tap: socket.socket) -> int:
    _, dropped = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return int(dropped)


def packet_filter(ports: Sequence[int]) -> list[bytes]:
    """Give a program for the kernel (classic BPF) that takes headers of TCP at these ports, and nothing behind them."""
    match = [(0x15, "take", 0, port) for port in ports]
    program: list[Instruction | str] = [
        (0x30, 0, 0, 0),  # the version is in the first byte
        (0x54, 0, 0, 0xF0),
        (0x15, "v4", 0, 0x40),
        (0x15, "v6", "drop", 0x60),
        "v4",
        (0x30, 0, 0, 9),
        (0x15, 0, "drop", 6),
        (0x28, 0, 0, 6),  # a later fragment has no TCP header
        (0x45, "drop", 0, 0x1FFF),
        (0xB1, 0, 0, 0),  # X: where TCP begins
        (0x15, "ports", "ports", 0),
        "v6",
        (0x30, 0, 0, 6),
        (0x15, 0, "drop", 6),
        (0x01, 0, 0, 40),
        "ports",
        (0x48, 0, 0, 0),
        *match,
        (0x48, 0, 0, 2),
        *match,
        "drop",
        (0x06, 0, 0, 0),
        "take",
        (0x50, 0, 0, 12),  # as many bytes as TCP's header says it has, and what is before it
        (0x54, 0, 0, 0xF0),
        (0x74, 0, 0, 2),
        (0x0C, 0, 0, 0),
        (0x16, 0, 0, 0),
    ]
    return _assembled(program)


def _assembled(program: Sequence[Instruction | str]) -> list[bytes]:
    """Put numbers of instructions for labels."""
    places: dict[str, int] = {}
    instructions: list[Instruction] = []
    for each in program:
        if isinstance(each, str):
            places[each] = len(instructions)
        else:
            instructions.append(each)

    def ahead(at: int, target: int | str) -> int:
        return places[target] - at - 1 if isinstance(target, str) else target

    return [
        INSTRUCTION.pack(operation, ahead(at, true), ahead(at, false), operand)
        for at, (operation, true, false, operand) in enumerate(instructions)
    ]
