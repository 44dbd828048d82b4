"""Which network addresses a target may be reached at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from bot.domain.errors import TargetUnreachable

NEVER = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link local: the metadata service of AWS, Azure, Google Cloud, Oracle, DigitalOcean
        "fe80::/10",
        "fd00:ec2::/32",  # AWS metadata over IPv6
        "fd20:ce::/32",  # Google Cloud metadata over IPv6
        "100.100.100.200/32",  # Alibaba Cloud metadata
        "192.0.0.192/32",  # Oracle Cloud metadata
        "168.63.129.16/32",  # Azure's host agent
        "0.0.0.0/8",
        "::/128",
        "224.0.0.0/4",
        "ff00::/8",
        "255.255.255.255/32",
    )
)
"""Denied whatever the configuration allows: what answers here gives credentials away, or is not one machine."""

NAT64 = IPv6Network("64:ff9b::/96")
COMPATIBLE = IPv6Network("::/96")
DEFAULT_PORTS = {"http": 80, "https": 443}

Address = IPv4Address | IPv6Address


class AddressRefused(TargetUnreachable):
    """A target resolves to an address that its allow-list does not hold, or that is never allowed."""


@dataclass(frozen=True)
class Endpoint:
    """Where a target is: the host by name, its port, and the addresses that were vetted for it."""

    host: str
    port: int
    addresses: tuple[str, ...]


def host_and_port(url: str) -> tuple[str, int]:
    """Split a base address.

    :raises AddressRefused: it is not http(s)://host[:port].
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise AddressRefused(f"{url!r} is not an address like http://host:6060") from error
    if not parts.hostname or parts.username or parts.password:
        raise AddressRefused(f"{parts.scheme}://…: an address needs a host, and no user or password")
    return parts.hostname, port


def vet(host: str, addresses: Iterable[str], allow: Sequence[str]) -> tuple[str, ...]:
    """Give the addresses a host resolved to, if every one of them is allowed.

    One bad address refuses them all: a name that points inside and outside is a name that was tampered with.

    :param allow: networks in CIDR notation.
    :raises AddressRefused: says which address, and what would allow it.
    """
    networks = [_network(each) for each in allow]
    vetted = []
    for text in addresses:
        address = _unwrap(_address(host, text))
        if any(_never(each) for each in (address, *_embedded(address))):
            raise AddressRefused(f"{host} is {text}: metadata, link-local and multicast addresses are never asked")
        if not any(address in network for network in networks if network.version == address.version):
            allowed = ", ".join(allow) or "nothing"
            raise AddressRefused(f"{host} is {text}, outside of its allow list ({allowed}): add its network to `allow`")
        vetted.append(str(address))
    if not vetted:
        raise AddressRefused(f"{host} has no address: is the name right?")
    return tuple(dict.fromkeys(vetted))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise AddressRefused(f"allow: {text!r} is not a network like 10.0.0.0/8") from error


def _address(host: str, text: str) -> Address:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError as error:
        raise AddressRefused(f"{host} resolved to {text!r}, which is not an address") from error


def _unwrap(address: Address) -> Address:
    """Give the IPv4 address inside of `::ffff:a.b.c.d`: the kernel would connect to that one."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _embedded(address: Address) -> Iterable[Address]:
    """Give the IPv4 addresses that a gateway would reach for an IPv6 address (NAT64, 6to4, Teredo, compatible)."""
    if not isinstance(address, IPv6Address):
        return
    if address in NAT64 or (address in COMPATIBLE and not address.is_loopback):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield address.teredo[1]


def _never(address: Address) -> bool:
    return any(network.version == address.version and address in network for network in NEVER)


def is_loopback(host: str) -> bool:
    """Tell whether a host, without its port, is this machine for sure: localhost, or an address of loopback."""
    name = host.strip("[]").lower()
    try:
        ip = ip_address(name)
    except ValueError:
        return name == "localhost"
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
