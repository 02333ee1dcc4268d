"""What is made of a sweep in an object store: confirmed, refitted, replayed and chosen, each from another machine."""

import json
from pathlib import Path

import pytest

from experiments._sweep.derived.choosing import chosen
from experiments._sweep.ledger import lease as plain
from experiments._sweep.store.objects import Objects
from experiments._sweep.sweep import open_sweep
from tests.experiments.confirmable import Workplace
from trainables import open_checkpoint


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Be another machine, which has nothing but the store's address and the code."""
    monkeypatch.setenv("RAYSWEEPS_STORES", str(folder))
    monkeypatch.setattr(plain, "this_machine", lambda: str(folder))


def test_each_step_is_taken_on_another_machine(
    workplace: Workplace, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its checkpoints are fetched when they are needed; the test split is used once."""
    workplace.run(options=("--storage", url))
    elsewhere(monkeypatch, tmp_path / "second")
    small = ("--top", "1", "--seeds", "2", "--refit", "--trust")
    answer = workplace.answer(f"{url}/mine", *small)
    measured = [words for words in workplace.new() if words[0] == "test"]
    assert len(measured) == 4 and answer["winner"] == "trial 1" and answer["refit"]["epochs"] == 2
    assert not list(tmp_path.glob("second/*/*/confirm-1/trials")), "what was measured is not kept"
    assert Path(answer["refit"]["checkpoint"]).is_relative_to(tmp_path / "second")
    elsewhere(monkeypatch, tmp_path / "third")
    again = workplace.answer(f"{url}/mine", "--refit")
    assert workplace.new() == [] and again["configurations"] == answer["configurations"]
    refit = again["refit"]["checkpoint"]
    assert open_checkpoint(refit).epoch == 2 and Path(refit).is_relative_to(tmp_path / "third")
    elsewhere(monkeypatch, tmp_path / "fourth")
    found = chosen(open_sweep(f"{url}/mine"))
    assert found.refitted and open_checkpoint(found.checkpoint).epoch == 2
    code, out, err = workplace("best", f"{url}/mine", "--json")
    best = json.loads(out)
    assert code == 0 and open_checkpoint(best["checkpoint"]).record["val_loss"] == best["value"], err
    elsewhere(monkeypatch, tmp_path / "fifth")
    code, out, err = workplace("replay", f"{url}/mine", "1", "--here", "--trust", "--json")
    assert json.loads(out)["verdict"] == "equal", err
    below = {key.partition("/")[0] for key in Objects(f"{url}/mine").keys()}  # noqa: SIM118 - no dict
    assert below >= {"ledger", "trials", "confirm-1", "replay-1"}
