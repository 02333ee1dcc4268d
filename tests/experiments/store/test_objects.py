"""Objects of a real S3 server: whole or not at all, created once, asked again while the store only asks to wait."""

import pickle
import time

import pytest

from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import StoreUnreachableError
from tests.experiments.store.s3 import BUCKET, Server


def test_what_is_put_comes_back(url: str) -> None:
    """Keys are relative to the address, listings are in order, and what is not there is said to be so."""
    objects = Objects(url)
    objects.put("b", b"2")
    objects.at("a").put("c/d", b"3")
    assert objects.keys() == ["a/c/d", "b"] and objects.keys("a/") == ["a/c/d"]
    assert objects.folders() == ["a"] and objects.folders("a") == ["c"]
    assert objects.get("b") == b"2" and objects.get("a/c/d") == b"3"
    assert Objects(f"s3://{BUCKET}").folders() == ["some"] and objects.has("a/c") and not objects.has("z")
    assert pickle.loads(pickle.dumps(objects)).get("b") == b"2"  # noqa: S301 - our own
    objects.remove(["b", "never there"])
    assert objects.modified("b") is None and objects.modified("a/c/d") is not None
    with pytest.raises(FileNotFoundError) as missing:
        objects.get("b")
    assert missing.value.filename == f"{url}/b"


def test_an_object_is_created_once(url: str) -> None:
    """The first one wins; the second one is told, whatever it wanted to write."""
    objects = Objects(url)
    assert objects.create("x", b"mine") and not objects.create("x", b"yours")
    assert objects.get("x") == b"mine"


def test_f23_a_create_whose_answer_was_lost_is_ones_own(url: str, s3: Server) -> None:
    """The object is there although the store's answer was not: the second try finds its own bytes, and has won."""
    objects = Objects(url)
    s3.faults(lose=1)
    assert objects.create("x", b"mine") and objects.get("x") == b"mine"
    s3.faults(lose=1)
    assert not objects.create("x", b"yours")


def test_f23_a_throttled_store_is_asked_again(url: str, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With half of all calls answered by SlowDown everything still gets through."""
    monkeypatch.setattr("experiments._sweep.store.patience._FIRST_S", 0.01)
    objects = Objects(url)
    s3.faults(slow_down=0.5)
    for number in range(20):  # so many that not one of them being refused is no chance to reckon with
        objects.put(f"{number}", b"x")
    assert len(objects.keys()) == 20
    assert s3.faults()["PUT"] > 20


def test_f23_a_store_that_does_not_answer_is_given_up_in_time(url: str, s3: Server) -> None:
    """The error names the object and how long it was waited for; it is no error of another kind."""
    objects = Objects(url, patience_s=0.5)
    s3.faults(away=True)
    began = time.monotonic()
    with pytest.raises(StoreUnreachableError, match="did not answer for") as gone:
        objects.get("x")
    assert time.monotonic() - began < 5 and gone.value.filename == f"{url}/x"


def test_a_refusal_is_not_asked_again(url: str, s3: Server) -> None:
    """Wrong keys stay wrong."""
    s3.faults(refuse="InvalidAccessKeyId")
    with pytest.raises(PermissionError, match="as the test asked"):
        Objects(url).get("x")
    assert s3.faults() == {"GET": 1}


def test_a_large_object_goes_in_parts(url: str, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a part's size comes back as it was."""
    monkeypatch.setattr("experiments._sweep.store.objects.PART_BYTES", 5 * 2**20)  # the least that S3 takes
    content = bytes(11 * 2**20)
    objects = Objects(url)
    objects.put("large", content)
    assert objects.listed("large")[0].size == len(content) and objects.get("large") == content
    assert s3.faults()["PUT"] == 3


def test_age_is_by_the_stores_clock(url: str, s3: Server) -> None:
    """A store whose clock is a day ahead of this machine's says the same of an object's age."""
    objects = Objects(url)
    s3.faults(ahead_s=86_400)
    objects.put("x", b"")
    age = objects.age_s("x")
    assert age is not None and -2 <= age < 30
    assert objects.age_s("never there") is None
