from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bisect import go_modules
from bot.domain.bisect.go_modules import GoModule

MOD = b"""module "example.com/shop" // ours

go 1.21

require example.com/tax v1.0.0

replace example.com/tax => ./tax // local
replace (
	example.com/far => example.com/near v1.2.3
	example.com/up v1.0.0 => ../up
)
"""


def test_a_module_and_its_replacements_by_folders_are_read() -> None:
    assert go_modules.read(MOD) == GoModule(
        "example.com/shop", (("example.com/tax", "./tax"), ("example.com/up", "../up"))
    )


def test_the_folders_of_a_workspace_are_read() -> None:
    assert go_modules.read(b"go 1.21\n\nuse ./a\nuse (\n\t./b\n\t./c // that\n)\n").uses == ("./a", "./b", "./c")


@given(st.binary(max_size=200))
def test_whatever_is_read_comes_to_an_end(source: bytes) -> None:
    assert isinstance(go_modules.read(source).path, str)


def test_a_path_leads_from_a_folder_and_never_out_of_the_tree() -> None:
    assert go_modules.below("a/b", "../c") == "a/c"
    assert go_modules.below("", "./c/") == "c"
    assert go_modules.below("a", "..") == ""
    assert go_modules.below("a", "../..") is None
    assert go_modules.below("a", "/etc") is None
    assert go_modules.below("", ".hidden") == ".hidden"


def test_a_package_is_at_home_in_the_nearest_module() -> None:
    modules = {"example.com/shop": "", "example.com/shop/tools": "tools", "example.com/tax": "libs/tax"}
    assert go_modules.home("example.com/shop/pay", modules) == "pay"
    assert go_modules.home("example.com/shop/tools/x", modules) == "tools/x"
    assert go_modules.home("example.com/tax", modules) == "libs/tax"
    assert go_modules.home("example.com/shopping", modules) is None
    assert go_modules.home("fmt", modules) is None
