"""What a loader would not find is named; what it finds, by whatever way, is not."""

from collections.abc import Mapping

import pytest

from bot.domain.elf import Elf
from bot.domain.loading import (
    Lack,
    configured_folders,
    handles,
    is_emulator,
    lacks,
    level_of,
    libc,
    newest,
    numbers,
    runs,
)

LOADER = "/lib64/ld-linux-x86-64.so.2"
GLIBC = ("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.36", "GLIBC_PRIVATE")
HOST: Mapping[str, Elf] = {
    LOADER: Elf("amd64", defines=("ld-linux-x86-64.so.2", "GLIBC_2.2.5")),
    "/lib/x86_64-linux-gnu/libc.so.6": Elf("amd64", LOADER, needed=("ld-linux-x86-64.so.2",), defines=GLIBC),
    "/lib/x86_64-linux-gnu/libz.so.1": Elf("amd64", needed=("libc.so.6",), needs=(("libc.so.6", ("GLIBC_2.9",)),)),
    "/usr/lib/libold.so.1": Elf("386"),
    "/srv/app/lib/libown.so": Elf("amd64"),
}
ALPINE: Mapping[str, Elf] = {"/lib/ld-musl-x86_64.so.1": Elf("amd64"), "/usr/lib/libz.so.1": Elf("amd64")}
CONFIGURED = ("/lib/x86_64-linux-gnu",)
TABLE = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POCF
offset 0
magic 7f454c4602
mask ffffffffff
"""


def program(*needed: str, loader: str = LOADER, folders: tuple[str, ...] = (), **needs: str) -> Elf:
    versions = tuple((name.replace("_", "."), (version,)) for name, version in needs.items())
    return Elf("amd64", loader, needed, folders, versions)


@pytest.mark.parametrize(
    ("elf", "lacking"),
    [
        (Elf("amd64"), ()),
        (program("libc.so.6", libc_so_6="GLIBC_2.36"), ()),
        (program("libc.so.6", libc_so_6="GLIBC_2.38"), (Lack("libc.so.6", "GLIBC_2.38", "GLIBC_2.36"),)),
        (program("libc.so.6", libc_so_6="GLIBC_ABI_DT_RELR"), (Lack("libc.so.6", "GLIBC_ABI_DT_RELR"),)),
        (program("libz.so.1"), ()),
        (program("libz.so.1", libz_so_1="ZLIB_9"), ()),  # it tells no versions: the loader warns, and goes on
        (program("libold.so.1"), (Lack("libold.so.1"),)),  # there is one, for another machine
        (program("libfoo.so.1", "libc.so.6"), (Lack("libfoo.so.1"),)),
        (program("libown.so"), (Lack("libown.so"),)),
        (program("libown.so", folders=("$ORIGIN/../lib",)), ()),
        (program("libown.so", folders=("/opt/$LIB",)), ()),  # not known where that is
        (program("/srv/app/lib/libown.so"), ()),
        (program("ld-linux-x86-64.so.2"), ()),
        (program("libc.so.6", loader="/lib/ld-musl-x86_64.so.1"), (Lack("/lib/ld-musl-x86_64.so.1"),)),
    ],
)
def test_on_a_host_with_glibc(elf: Elf, lacking: tuple[Lack, ...]) -> None:
    host = {**HOST, "/srv/app/bin/../lib/libown.so": HOST["/srv/app/lib/libown.so"]}

    assert lacks(elf, "/srv/app/bin/checkout", host.get, CONFIGURED) == lacking


@pytest.mark.parametrize(
    ("elf", "lacking"),
    [
        (program("libc.so.6"), (Lack(LOADER),)),
        (program("libc.musl-x86_64.so.1", "libz.so.1", loader="/lib/ld-musl-x86_64.so.1"), ()),
        (program("libfoo.so.1", loader="/lib/ld-musl-x86_64.so.1"), (Lack("libfoo.so.1"),)),
        (program("libc.so.6", loader="/lib/ld-musl-x86_64.so.1", libc_so_6="GLIBC_2.38"), ()),  # gcompat
    ],
)
def test_on_a_host_with_musl(elf: Elf, lacking: tuple[Lack, ...]) -> None:
    assert lacks(elf, "/srv/checkout", ALPINE.get, CONFIGURED) == lacking


def test_what_a_library_lacks_is_told_with_its_name() -> None:
    host = {
        **HOST,
        "/lib/libbar.so": Elf("amd64", needed=("libgone.so",), needs=(("libc.so.6", ("GLIBC_2.40",)),)),
    }
    found = lacks(program("libc.so.6", "libbar.so"), "/srv/checkout", host.get, CONFIGURED)

    assert found == (Lack("libgone.so", by="libbar.so"), Lack("libc.so.6", "GLIBC_2.40", "GLIBC_2.36", "libbar.so"))


def test_libraries_that_need_each_other_end() -> None:
    circle = {f"/lib/lib{number}.so": Elf("amd64", needed=(f"lib{number + 1}.so", "lib0.so")) for number in range(500)}

    assert lacks(program("lib0.so"), "/srv/checkout", {**HOST, **circle}.get, CONFIGURED) == ()


def test_the_hosts_own_library_is_named() -> None:
    assert libc("x86_64", HOST.get, CONFIGURED) == "glibc 2.36"
    assert libc("x86_64", ALPINE.get, CONFIGURED) == "musl"
    assert libc("aarch64", HOST.get, CONFIGURED) == ""


def test_versions_are_ordered_by_their_numbers() -> None:
    assert newest(GLIBC, "GLIBC_2.38") == "GLIBC_2.36"
    assert newest(GLIBC, "CXXABI_1.3") == ""
    assert (numbers("GLIBC_2.36"), numbers("GLIBC_PRIVATE"), numbers("")) == ((2, 36), (), ())


@pytest.mark.parametrize(
    ("host", "arch", "does"),
    [("amd64", "amd64", True), ("amd64", "386", True), ("amd64", "arm64", False), ("arm64", "arm", True)],
)
def test_what_a_cpu_runs(host: str, arch: str, *, does: bool) -> None:
    assert runs(host, arch) is does


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ("", 1),
        ("cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3", 2),
        ("cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 abm avx avx2 bmi1 bmi2 f16c fma movbe xsave", 3),
        ("abm avx avx2 bmi1 bmi2 f16c fma movbe xsave", 1),
    ],
)
def test_levels_of_a_cpu(more: str, level: int) -> None:
    assert level_of(f"processor\t: 0\nflags\t\t: fpu sse2 {more}\nbugs : none\n".encode()) == level
    assert level_of(b"processor : 0\nBogoMIPS : 50\nFeatures : fp asimd\n") == 0


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/usr/bin/qemu-aarch64-static", True),
        ("/usr/bin/qemu-x86_64 (deleted)", True),
        ("/run/rosetta/rosetta", True),
        ("/usr/bin/box64", True),
        ("/srv/qemu-manager/checkout", False),
        ("/srv/checkout", False),
    ],
)
def test_emulators_are_known_by_their_names(path: str, *, is_one: bool) -> None:
    assert is_emulator(path) is is_one


def test_the_kernels_table_of_emulators_is_read() -> None:
    assert handles(TABLE, b"\x7fELF\x02\x01")
    assert not handles(TABLE, b"\x7fELF\x01\x01")
    assert not handles(TABLE, b"\x7fE")
    assert not handles(TABLE.replace("enabled", "disabled"), b"\x7fELF\x02\x01")
    assert handles(TABLE.replace("mask ffffffffff\n", ""), b"\x7fELF\x02\x01")
    for damaged in ("", "enabled\n", "enabled\noffset 0\nmagic zz\n", "enabled\noffset 0\nmagic 7f\nmask ff00\n"):
        assert not handles(damaged, b"\x7fELF\x02\x01")


def test_folders_of_the_loader_are_read() -> None:
    assert configured_folders("include /etc/ld.so.conf.d/*.conf\n# none\n/usr/local/lib \n\n/opt/lib\n") == (
        "/usr/local/lib",
        "/opt/lib",
    )
