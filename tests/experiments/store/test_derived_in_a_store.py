"""What is made of a sweep in an object store: confirmed, refitted, replayed and chosen, each from another machine."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.checkpoints import Place
from experiments._sweep.derived.choosing import chosen
from experiments._sweep.ledger import lease as plain
from experiments._sweep.store.objects import Objects
from experiments._sweep.sweep import open_sweep
from tests.experiments.confirmable import Workplace
from tests.experiments.store.s3 import Server
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


def test_f23_a_measurement_that_waits_for_the_store_ends_at_the_first_signal(
    workplace: Workplace, url: str, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away when the second checkpoint is to be fetched; in the end each was measured once."""
    workplace.run(options=("--storage", url))
    real, fetched = Place.at_hand, []

    def at_hand(place: Place) -> Any:
        fetched.append(place)
        if len(fetched) == 2:
            s3.faults(away=True)
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        return real(place)

    monkeypatch.setattr(Place, "at_hand", at_hand)
    for name in ("store.patience.IN_HASTE_S", "store.lease.BEAT_S", "engine.tidying_store.CUT_SHORT_S"):
        monkeypatch.setattr(f"experiments._sweep.{name}", 0.2)
    command = ("confirm", f"{url}/mine", "--top", "1", "--seeds", "2", "--trust")
    began = time.monotonic()
    code, out, err = workplace(*command)
    assert code == 130 and time.monotonic() - began < 20 and "(interrupted): interrupted by SIGINT" in out + err
    s3.faults()
    elsewhere(monkeypatch, workplace.folder / "second")
    monkeypatch.setattr(plain, "STALE_S", -5.0)  # the lease of this process, which lives, was left there
    code, out, err = workplace(*command)
    assert code == 0, out + err
    assert sum(words[0] == "test" for words in workplace.new()) == 4
