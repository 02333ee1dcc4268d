"""Checkpoints that plain Ray functions report, in an object store: whole folders, told once they are there."""

from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.engine.private import keep_private
from experiments._sweep.engine.reported import CHECKPOINT, is_there, reporting
from experiments._sweep.engine.segment import TrainableSource, Workplace
from experiments._sweep.redaction import Redactor
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import copies_of
from experiments._sweep.store.reported import fetch_reported
from tests.experiments.store.s3 import Server


class Session:
    """Ray's, as far as a function reports through it."""

    loaded_checkpoint: Any = None

    def __init__(self) -> None:
        self.told: list[Any] = []

    def report(self, metrics: Any, checkpoint: Any = None) -> None:
        """Keep what is reported."""
        assert checkpoint is None  # Ray is to copy nothing
        self.told.append(metrics)


def reports(url: str, session: Session, given: str | None = None) -> Any:
    """What a plain function's segment trains in."""
    workplace = Workplace(
        source=TrainableSource(path=None, trainable=print),
        sweep="/nowhere",
        working_directory="/",
        data_dir=None,
        store=f"{url}/made",
        driver=2,
        metric="loss",
        mode="min",
    )
    return reporting(session, {"trial": 17, "segment": 3, "checkpoint": given}, workplace)


def test_a_reported_folder_is_in_the_store_before_it_is_told(url: str, tmp_path: Path, s3: Server) -> None:
    """Files in folders, too; the function finds it again, on whatever node; half of one is none."""
    from ray import tune

    own, session, sweep = tmp_path / "own", Session(), copies_of(url) / "made"
    (own / "sub").mkdir(parents=True)
    with reports(url, session):
        keep_private(session, Redactor())
        for epoch in (1, 2):
            (own / "sub" / "weights").write_text(f"{epoch}")
            session.report({"loss": 1.0 / epoch}, checkpoint=tune.Checkpoint.from_directory(str(own)))
            with session.loaded_checkpoint.as_directory() as mine:
                assert (Path(mine) / "sub" / "weights").read_text() == f"{epoch}"
        session.report({"loss": 0.1})
        s3.faults(refuse="AccessDenied")
        with pytest.raises(PermissionError):
            session.report({"loss": 0.0}, checkpoint=tune.Checkpoint.from_directory(str(own)))
        s3.faults()
    keys = [f"ray/driver-2/0017-003/checkpoint_{number:06d}" for number in (0, 1)]
    assert session.told == [{"loss": 1.0, CHECKPOINT: keys[0]}, {"loss": 0.5, CHECKPOINT: keys[1]}, {"loss": 0.1}]
    assert is_there(sweep, keys[1]) and not is_there(sweep, "ray/driver-2/0017-003/checkpoint_000002")
    assert not is_there(sweep, "../other/ray/x")
    again = Session()
    with reports(url, again, keys[1]), again.loaded_checkpoint.as_directory() as mine:
        assert (Path(mine) / "sub" / "weights").read_text() == "2"
    assert not Path(mine).exists()


def test_a_damaged_or_forged_one_is_not_fetched(url: str, tmp_path: Path) -> None:
    """Sizes and digests are compared, and no name leads out of its folder."""
    store, key = Objects(url), "ray/driver-1/0000-001/checkpoint_000000"
    whole = b'{"files": {"../../evil": {"bytes": 1, "sha256": "x"}}}'
    for listed in (whole, b'{"files": {"a": {"bytes": 1, "sha256": "x"}}}', b"[]", b"no json"):
        store.put(f"{key}.files.json", listed)
        store.put(f"{key}/a", b"x")
        assert fetch_reported(store, key, tmp_path) is None
    assert fetch_reported(store, "ray/../../evil", tmp_path) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
