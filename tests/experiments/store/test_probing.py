"""A sweep's place is tried from every node before anything starts: what is wrong with it is said in words."""

from pathlib import Path

import pytest

from experiments._sweep.store.objects import Objects
from experiments._sweep.store.probing import fault_of_this_node, left, unseen_nodes
from tests.experiments.store.s3 import Server


def test_a_place_that_all_reach_has_no_fault(url: str, tmp_path: Path) -> None:
    """A node reads the driver's probe, the driver the node's; nothing is left of them."""
    for place in (url, str(tmp_path)):
        with left(place) as token:
            assert fault_of_this_node(place, token, "node1") == ""
            assert unseen_nodes(place, token, ["node1", "node2"]) == ["node2"]
    assert Objects(url).keys() == [] and list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_is_not_the_shared_one(tmp_path: Path) -> None:
    """A folder that is called alike, and one that is not there, are told from the driver's."""
    with left(str(tmp_path)) as token:
        (tmp_path / "own").mkdir()
        for place in (tmp_path / "own", tmp_path / "gone"):
            assert "what the driver wrote is not in it" in fault_of_this_node(str(place), token, "node1") or (
                "No such file" in fault_of_this_node(str(place), token, "node1")
            )


def test_what_the_store_says_is_passed_on(url: str, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node without rights, and one that does not reach the store, give a text and raise nothing."""
    monkeypatch.setattr("experiments._sweep.store.probing.BRIEF_S", 0.3)
    with left(url) as token:
        s3.faults(refuse="AccessDenied")
        assert "AccessDenied" in fault_of_this_node(url, token, "node1")
        s3.faults(away=True)
        assert "did not answer" in fault_of_this_node(url, token, "node1")
        s3.faults()
