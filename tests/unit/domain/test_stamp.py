"""What is stamped into a program is one line that neither a shell nor Go changes, and is read again as it was."""

import shlex
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.stamp import Stamp, StampRefused, ldflags, of_document, of_ldflags
from tests.unit.domain.captures import document, facts_of

COMMIT = "4f5e6d7c" * 5
WHOLE = Stamp("1234", COMMIT, "go1.27.3", "prod")
SIGNS = string.ascii_letters + string.digits
WORDS = st.builds(str.__add__, st.sampled_from(SIGNS), st.text(SIGNS + "._+:@/-", max_size=40))


def test_the_flags_name_build_commit_toolchain_and_environment() -> None:
    assert ldflags(WHOLE) == (
        f"-X main.buildID=1234 -X main.gitCommit={COMMIT} -X main.goVersion=go1.27.3 -X main.runtimeEnv=prod"
    )


@settings(max_examples=25)
@given(st.builds(Stamp, WORDS, WORDS, WORDS, WORDS))
def test_they_survive_a_shell_and_are_read_as_they_were_written(stamp: Stamp) -> None:
    flags = ldflags(stamp, "example.com/shop/version")
    assert " ".join(shlex.split(flags)) == flags
    assert of_ldflags(f"-s -w {flags}") == stamp
    assert ldflags(stamp) == ldflags(stamp)


@pytest.mark.parametrize("value", ["", "a b", "$(id)", "`id`", "it's", 'a"b', "a;b", "-X", "ä", "a\nb", "x" * 201])
def test_what_would_need_quotes_is_refused(value: str) -> None:
    with pytest.raises(StampRefused, match=r"env .* cannot be stamped"):
        ldflags(Stamp("1", COMMIT, "go1.27.3", value))
    with pytest.raises(StampRefused, match="is no path of a package"):
        ldflags(WHOLE, "main; id")


def test_flags_of_others_hands_are_read_too() -> None:
    seeds = f"-s -X 'main.BUILD_ID=7' -X=main.GitHash={COMMIT} -X \"main.Env=prod\" -X main.goVersion=go1.27.3"
    assert of_ldflags(seeds) == Stamp("7", COMMIT, "go1.27.3", "prod")
    assert of_ldflags("-X main.buildID=1 -X main.buildID=2 -X main.other=3") == Stamp("2")
    assert of_ldflags("") == of_document(None) == of_document({"env": 3, "go": "a b"}) == Stamp()


OTHER, LIBRARY = "0" * 40, "k8s.io/component-base/version"


@pytest.mark.parametrize(
    ("flags", "stamp"),
    [
        (f"-X main.gitCommit={COMMIT} -X {LIBRARY}.gitCommit={OTHER}", Stamp(commit=COMMIT)),
        (f"-X {LIBRARY}.gitCommit={OTHER} -X main.gitCommit={COMMIT}", Stamp(commit=COMMIT)),
        (f"{ldflags(WHOLE, 'shop.test/version')} -X main.gitCommit={OTHER}", WHOLE),
        (f"{ldflags(WHOLE)} -X {LIBRARY}.gitCommit={OTHER} -X {LIBRARY}.env=dev", WHOLE),
        (f"-X a/version.gitCommit={OTHER} -X b/version.gitCommit={COMMIT}", Stamp(commit=COMMIT)),
    ],
)
def test_the_variables_of_a_library_are_no_part_of_the_stamp(flags: str, stamp: Stamp) -> None:
    assert of_ldflags(flags) == stamp


def test_a_target_s_stamp_is_that_of_its_flags_or_what_it_serves() -> None:
    flags = {"go": "go1.27.3", "settings": {"-ldflags": ldflags(WHOLE)}, "environment": {"RUNTIME_ENV": "staging"}}
    told = {"stamp": {"build_id": "9", "commit": f"{COMMIT}+dirty", "go": "go1.27.3", "env": "prod"}}

    linked = facts_of("checkout-1", build=document(flags), version=document(told)).build
    served = facts_of("checkout-1", version=document(told)).build

    assert (linked.stamp, linked.revision, linked.modified, linked.runs_in) == (WHOLE, COMMIT, None, "staging")
    assert (served.stamp.build_id, served.revision, served.modified, served.runs_in) == ("9", COMMIT, True, "")
