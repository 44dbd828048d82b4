import pytest

from bot.domain.addresses import AddressRefused, host_and_port, vet

ANY = ("0.0.0.0/0", "::/0")
LOOPBACK = ("127.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",  # noqa: S104 - nobody binds to it
        "0.0.0.1",
        "::",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_metadata_and_the_like_are_denied_whatever_is_allowed(address: str) -> None:
    with pytest.raises(AddressRefused, match="never asked"):
        vet("checkout.internal", [address], ANY)


@pytest.mark.parametrize("address", ["10.0.0.5", "8.8.8.8", "fd00::1", "::ffff:10.0.0.5", "100.64.0.1"])
def test_outside_of_the_allow_list_is_refused_and_says_how_to_allow(address: str) -> None:
    with pytest.raises(AddressRefused, match=r"add its network to `allow`"):
        vet("checkout.internal", [address], LOOPBACK)


def test_one_bad_address_refuses_the_name() -> None:
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.5"):
        vet("checkout.internal", ["127.0.0.1", "10.0.0.5"], LOOPBACK)


def test_allowed_addresses_come_back_unwrapped_and_once() -> None:
    assert vet("a", ["127.0.0.1", "::1", "::ffff:127.0.0.1"], LOOPBACK) == ("127.0.0.1", "::1")
    assert vet("a", ["10.1.2.3"], ("10.0.0.0/8",)) == ("10.1.2.3",)


@pytest.mark.parametrize(
    ("addresses", "allow"), [([], ANY), (["nonsense"], ANY), (["10.0.0.1"], ("10.0.0.0/99",)), (["10.0.0.1"], ())]
)
def test_nothing_and_nonsense_are_refused(addresses: list[str], allow: tuple[str, ...]) -> None:
    with pytest.raises(AddressRefused):
        vet("a", addresses, allow)


def test_a_base_address_is_split() -> None:
    assert host_and_port("http://Checkout.Internal:6060/admin") == ("checkout.internal", 6060)
    assert host_and_port("https://[::1]") == ("::1", 443)


@pytest.mark.parametrize(
    "url", ["ftp://a", "checkout:6060", "http://", "http://a:99999", "http://user:pw@a", "file:///etc/passwd"]
)
def test_other_addresses_are_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        host_and_port(url)
    assert "pw" not in str(refused.value)
