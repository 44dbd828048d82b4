"""Where artifacts are kept: a folder, or an object store; anything else is refused with the name of the setting."""

from pathlib import Path

import pytest

from bot.settings import ConfigRefused, Settings, read
from bot.settings.tables import BundleTable


@pytest.mark.parametrize(
    ("url", "bucket", "workspace"),
    [
        ("data/artifacts", "", Path("data")),
        ("/srv/artifacts", "", Path("/srv")),
        ("file:///srv/artifacts", "", Path("/srv")),
        ("s3://evidence/first/five", "s3://evidence/first/five", Path("data")),
        ("gs://evidence", "gs://evidence", Path("data")),
        ("az://evidence", "az://evidence", Path("data")),
    ],
)
def test_a_place_is_a_folder_or_a_bucket(url: str, bucket: str, workspace: Path) -> None:
    settings = Settings(artifacts_url=url)
    assert (settings.bucket, settings.workspace) == (bucket, workspace)


@pytest.mark.parametrize("url", ["http://x/y", "s4://x", "s3://", "s3:///", "file://host/x", "memory://"])
def test_any_other_place_is_refused(url: str) -> None:
    with pytest.raises(ConfigRefused, match=r"ARTIFACTS_URL \(environment\): .*is a folder, or s3://bucket/folder"):
        read({"ARTIFACTS_URL": url})


@pytest.mark.parametrize(("key", "value"), [("repository", "--upload-pack=x"), ("branch", "-x"), ("branch", "a b")])
def test_what_git_could_take_for_an_option_is_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=key):
        BundleTable(**{key: value})
