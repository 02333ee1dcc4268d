"""`sweep trials --watch` of a sweep in an object store, from a machine that has nothing but its address."""

from pathlib import Path

import pytest

from experiments._sweep.command_line import main, watching
from experiments._sweep.command_line.watching import Watched
from experiments._sweep.ledger.records import DriverEnded
from experiments._sweep.names import sweep_folder
from experiments._sweep.store import following
from experiments._sweep.store.lease import lease_of
from experiments._sweep.store.ledger import StoreLedger
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import copies_of
from tests.experiments.conftest import driver, experiment, opened
from tests.experiments.test_watching import begun, ended


def test_it_is_followed_from_another_machine(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What its driver sends is shown, segment by segment; the store is asked for the next segment only."""
    monkeypatch.setattr(following, "LOOK_S", 0.0)
    folder = copies_of(url) / "mine"
    folder.mkdir()
    lease = lease_of(folder)
    lease.take()
    ledger = StoreLedger(folder, f"{url}/mine", lambda: False)
    ledger.append([opened(experiment()), driver(), *begun(0)])
    monkeypatch.setenv("RAYSWEEPS_STORES", str(tmp_path / "another machine"))
    listed, real = [], Objects.listed
    monkeypatch.setattr(Objects, "listed", lambda store, prefix="": listed.append(prefix) or real(store, prefix))
    steps = [
        lambda: ledger.append([*begun(1), ended(0)]),
        listed.clear,
        lambda: None,
        lambda: None,
        lambda: listed.append("nothing was listed") if not listed else None,
        lambda: ledger.append([ended(1), DriverEnded(driver=1, reason="finished", t=3.0, at=0.0)]),
    ]
    there = sweep_folder(f"{url}/mine", copies_of(url))
    assert there != folder
    assert Watched(there, lambda _: steps.pop(0)()).follow() is True
    out = capsys.readouterr().out
    assert "1 running; best so far: trial 0" in out and "trial 0 stopped at epoch 1" in out and "trial 1 stopped" in out
    assert f"sweep {url}/mine\n" in out and "nothing was listed" in listed
    ledger.close()
    lease.release()
    assert main(["trials", "mine", "--storage", url, "--watch"]) == 0
    assert "mine has ended" in capsys.readouterr().out


def test_a_driver_on_this_machine_is_followed_by_its_own_folder(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its copy is ahead of the store, which is not asked."""
    monkeypatch.setattr(following, "LOOK_S", 0.0)
    folder = copies_of(url) / "mine"
    folder.mkdir()
    lease = lease_of(folder)
    lease.take()
    ledger = StoreLedger(folder, f"{url}/mine", lambda: False)
    ledger.append([opened(experiment()), driver()])
    monkeypatch.setattr(following.Objects, "modified", lambda *_: pytest.fail("the store was asked"))
    monkeypatch.setattr(following, "stored", lambda *_: pytest.fail("the store was asked"))
    steps = [lambda: ledger.append([DriverEnded(driver=1, reason="finished", t=3.0, at=0.0)])]
    assert Watched(folder, lambda _: steps.pop(0)()).follow() is True
    assert watching.POLL_S < 1.0 and "made: Why?" in capsys.readouterr().out
    ledger.close()
    lease.release()
