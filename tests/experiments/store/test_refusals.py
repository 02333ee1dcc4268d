"""Stores that cannot be used, addresses that are none, a package that is missing: said before anything starts."""

import sys

import pytest

from experiments._sweep.store.objects import Objects
from tests.experiments.resumable import Place
from tests.experiments.store.s3 import BUCKET, Server

CLIENT = ("s3fs", "aiobotocore", "botocore")
"""What the extra brings for stores."""


class NotInstalled:
    """Finds no client of a store."""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse some packages, and leave the others to who comes next."""
        if name.partition(".")[0] in CLIENT:
            raise ModuleNotFoundError(name)


@pytest.mark.parametrize(
    "case",
    [
        ({"refuse": "InvalidAccessKeyId"}, "as the test asked (InvalidAccessKeyId). Give credentials"),
        ({"refuse": "NoSuchBucket"}, "as the test asked (NoSuchBucket). Make the bucket bucket, or correct its name"),
        ({"away": True}, "Check the network and the store's address (AWS_ENDPOINT_URL)"),
        ({"overwrite": True}, "so that two drivers could write over each other"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_before_anything_starts(
    resumable: Place, url: str, s3: Server, monkeypatch: pytest.MonkeyPatch, case: tuple[dict[str, object], str]
) -> None:
    """The address, what the store said and what to do; exit code 2, and nothing is left."""
    fault, said = case
    for module in ("copies", "names"):
        monkeypatch.setattr(f"experiments._sweep.store.{module}.BRIEF_S", 0.5)
    s3.faults(**fault)
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--storage", url)
    assert code == 2 and err.startswith(f"error: {url}") and said in err
    s3.faults()
    assert Objects(url).keys() == []


def test_a_server_that_cannot_be_one_is_refused(resumable: Place, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of the store's client is wrong, before anybody is asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    code, _, err = resumable.sweep("trials", "--storage", url)
    assert code == 2 and "Invalid endpoint: localhost. Correct the address, or the settings of the store" in err


@pytest.mark.parametrize("storage", ["gs://bucket/x", "s3://", "s3:///x", f"s3://{BUCKET}/../x"])
def test_an_address_that_is_none_is_refused(resumable: Place, url: str, storage: str) -> None:  # noqa: ARG001
    """Another kind of store, no bucket, and a way out of it; told with all other faults."""
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--storage", storage, "--concurrent", "0")
    assert code == 2 and "Give" in err and "s3://BUCKET/PREFIX" in err and "--concurrent must be" in err
    assert err.count("s3://BUCKET/PREFIX") == 1


def test_an_address_that_lacks_a_slash_is_no_folder(resumable: Place) -> None:
    """`s3:/bucket` would be a folder called `s3:`."""
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--storage", "s3:/bucket/x")
    assert code == 2 and "Did you mean s3://bucket/x?" in err


def test_a_package_that_is_not_installed_is_named(resumable: Place, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a laptop without the extra lacks, and the command that brings it."""
    monkeypatch.setattr("experiments._sweep.store.client._made", {})
    for name in [name for name in sys.modules if name.partition(".")[0] in CLIENT]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(), *sys.meta_path])
    code, _, err = resumable.sweep("trials", "--storage", url)
    assert code == 2 and 'pip install "raysweeps[cluster]"' in err
