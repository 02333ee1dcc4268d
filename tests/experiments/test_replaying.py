"""`sweep replay`: small sweeps without Ray, trained again, with something changed in between."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.errors import EngineError, InputError
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.lines import encode
from experiments._sweep.ledger.records import DriverEnded, EpochReported, SweepOpened
from trainables._training import checkpoints

EXPERIMENT = '''"""What is x?"""

import os
import random
import signal
import time

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable


def setting(name):
    return float(os.environ.get(name, "0"))


class Config(BaseModel):
    x: float = 0.0
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if epoch == setting("INTERRUPT_AT") and (config.seed == 0) == (not setting("IN_NOISE")):
            os.kill(os.getpid(), signal.SIGINT)
        if epoch == setting("FAIL_AT"):
            raise ValueError("too far")
        chance = random.Random(f"{config.seed} {epoch}").gauss(0, 0.01)
        loss = config.x + 1 / epoch + chance + (setting("SHIFT") if epoch >= 3 else 0)
        record = {"epoch": epoch, "loss": loss, "twice": 2 * loss, "seconds": time.perf_counter()}
        checkpoints.save(epoch, record, None)
        with open("trained", "a") as witness:
            witness.write(f"{config.seed} {epoch}\\n")
        yield record


def content(config):
    return os.environ.get("DATA", "these")


experiment = Experiment(
    trainable=Trainable(
        name="made_up",
        config_type=Config,
        train=train,
        content=content,
        metrics={"loss": "falls", "twice": "falls twice as fast"},
    ),
    space={"x": tune.uniform(0, 1), "seed": 0},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=2,
    epochs=5,
)
'''

Command = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("fresh_imports")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an experiment, in which one works."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    os.utime(tmp_path / "mine.py", (1e9, 1e9))
    yield tmp_path
    for name in ("SHIFT", "FAIL_AT", "INTERRUPT_AT", "IN_NOISE", "DATA"):
        os.environ.pop(name, None)


@pytest.fixture
def sweep(place: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command in that folder; exit code, output, errors. Settings of the trainable are keywords."""
    assert Path.cwd() == place

    def command(*arguments: str, **settings: str) -> tuple[int, str, str]:
        os.environ.update(settings)
        code = main([*arguments])
        for name in settings:
            del os.environ[name]
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


@pytest.fixture
def searched(sweep: Command, place: Path) -> Path:
    """The folder of a sweep that has ended."""
    assert sweep("run", "mine.py", "--here")[0] == 0
    (place / "trained").unlink()
    return place / "results" / "mine"


def changed(ledger: Path, change: Callable[[Any], Any]) -> None:
    """Write a ledger anew, its records changed and its checksums right."""
    records = [change(entry.record) for entry in read(ledger)]
    ledger.write_bytes(b"".join(encode(n, record) for n, record in enumerate(records)))


def rewritten(path: Path, text: str) -> None:
    """Write a file anew and forget what was imported from it, as another process would."""
    path.write_text(text)
    for name in [name for name, module in sys.modules.items() if str(vars(module).get("__file__")) == str(path)]:
        del sys.modules[name]


def trained(place: Path) -> list[str]:
    """Seed and epoch of all that was trained."""
    return (place / "trained").read_text().splitlines()


def test_a_trial_is_equal_to_the_bit_and_is_replayed_anew_by_the_same_command(
    sweep: Command, searched: Path, place: Path
) -> None:
    """One trial, in a folder of the sweep's; the answer is in the ledger, and `--json` says it all."""
    code, out, _ = sweep("replay", "mine", "1", "--here")
    assert code == 0 and "mine: Trial 1 again, 5 epochs. Is it the same?\nsweep results/mine/replay-1\n" in out
    assert out.splitlines()[-1] == "trial 1 trained again is equal to the bit: 5 epochs, 2 metrics."
    replay = open_sweep(searched / "replay-1")
    assert replay.history.sweep.derived == {"kind": "replay", "trial": 1, "epochs": 5, "ending": "completed"}
    assert [trial.config for trial in replay.trials] == [open_sweep(searched).trials[1].config]
    assert trained(place) == [f"0 {epoch}" for epoch in range(1, 6)]
    code, out, _ = sweep("replay", "1", "--here", "--json")
    told = json.loads(out)
    assert code == 0 and told == open_sweep(searched / "replay-1-2").history.answer
    assert told["verdict"] == "equal" and told["metrics"] == ["loss", "twice"] and told["replay"] == "replay-1-2"
    assert not (searched / "replay-1-2" / "noise").exists()


def test_from_python_it_gives_the_same_answer(searched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a dict, quietly; what was cut short says so, and the next call goes on."""
    sweep = open_sweep(searched)
    os.environ["INTERRUPT_AT"] = "2"
    with pytest.raises(EngineError, match=r"replay-0 ended early: .* Call replay\(0\) again to go on\."):
        sweep.replay(0, here=True, quiet=True)
    del os.environ["INTERRUPT_AT"]
    assert sweep.replay(0, here=True, quiet=True)["verdict"] == "equal"
    assert capsys.readouterr().out == "" and not (searched / "replay-0-2").exists()
    with pytest.raises(InputError, match="mine has no trial 9"):
        sweep.replay(9, here=True)


@pytest.mark.usefixtures("searched")
def test_a_difference_is_judged_by_copies_on_other_seeds(sweep: Command, place: Path) -> None:
    """Within noise or beyond it; the copies of one replay serve for the next."""
    code, out, _ = sweep("replay", "mine", "0", "--here", SHIFT="0.002")
    assert code == 0, out
    assert "mine: Trial 0 on 3 other seeds: how much is chance?\nsweep results/mine/replay-0/noise\n" in out
    last = out.splitlines()[-1]
    assert (
        last.startswith("trial 0 first differs at epoch 3 (loss ") and "), within seed noise (0.2 standard dev" in last
    )
    assert "; nothing that is recorded has changed, which leaves " in last
    seeds = [line.split()[0] for line in trained(place)]
    assert len(seeds) == 5 + 3 * 5 and len(set(seeds)) == 4
    code, out, _ = sweep("replay", "mine", "0", "--here", "--json", SHIFT="0.5")
    told = json.loads(out)
    assert code == 1 and told["verdict"] == "beyond noise" and told["first_difference"]["epoch"] == 3
    assert told["noise"]["origin"] == "replay-0/noise" and told["noise"]["over_curve"] > 10
    assert 0.002 < told["noise"]["deviations"]["1"] < 0.05 and len(trained(place)) == 25


def test_a_confirmation_says_what_other_seeds_change(sweep: Command, searched: Path) -> None:
    """Where it has trained the configuration on three of them, nothing more is trained."""
    best = json.loads(sweep("best", "mine", "--json")[1])["trial"]
    assert sweep("confirm", "mine", "--here", "--top", "1", "--seeds", "3")[0] == 0
    code, out, _ = sweep("replay", "mine", str(best), "--here", "--json", SHIFT="0.5")
    told = json.loads(out)
    assert code == 1 and told["verdict"] == "beyond noise"
    assert (told["noise"]["origin"], told["noise"]["runs"], told["noise"]["splits"]) == ("confirm-1", 3, False)
    assert not (searched / f"replay-{best}" / "noise").exists()


def test_a_record_that_was_tampered_with_is_found(sweep: Command, searched: Path) -> None:
    """One metric of epoch 3, by the last bit."""

    def tamper(record: Any) -> Any:
        if isinstance(record, EpochReported) and (record.trial, record.epoch) == (1, 3):
            record.metrics["twice"] += 2**-52
        return record

    changed(searched / LEDGER, tamper)
    code, out, _ = sweep("replay", "mine", "1", "--here")
    last = out.splitlines()[-1]
    assert code == 0 and last.startswith("trial 1 first differs at epoch 3 (twice ")
    assert ", while loss is equal to the bit throughout; nothing that is recorded has changed, which leaves " in last
    assert "first differs" in out and "noise" not in out


def test_the_candidates_are_named_by_evidence(
    sweep: Command, searched: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions, processor and threads, data, code: what was recorded then, and what is so now."""

    def older(record: Any) -> Any:
        if isinstance(record, SweepOpened):
            record.versions["scipy"] = "0.1"
        return record

    changed(searched / LEDGER, older)
    made_by = checkpoints.made_by()
    monkeypatch.setattr(checkpoints, "made_by", lambda: made_by | {"threads": 64, "torch": "99.0", "device": "H100"})
    os.utime(place / "mine.py")
    _, out, _ = sweep("replay", "mine", "0", "--here", "--json", SHIFT="0.002", DATA="others")
    told = json.loads(out)
    evidence = {each["kind"]: each["text"] for each in told["candidates"] if each["evidence"]}
    assert set(evidence) == {"data", "version", "device", "threads", "code"}
    assert evidence["threads"] == f"number of threads {made_by['threads']} then, 64 now"
    assert evidence["code"].startswith("mine.py, which was saved after the sweep began (20")
    assert f"torch {made_by['torch']} then, 99.0 now" in told["answer"] and "scipy 0.1 then, " in told["answer"]
    assert "candidates: the data, whose files have changed since; " in told["answer"]
    possible = [each["text"] for each in told["candidates"] if not each["evidence"]]
    assert possible == ["an operation on H100 that is not deterministic"]


def test_a_failing_trial_is_replayed_too(sweep: Command, place: Path) -> None:
    """The same exception after the same epochs is equal; no exception, or another epoch, is another ending."""
    assert sweep("run", "mine.py", "--here", FAIL_AT="3")[0] == 1
    code, out, _ = sweep("replay", "mine", "0", "--here", FAIL_AT="3")
    same = "and it ended the same way (error: ValueError: too far)."
    assert code == 0 and out.splitlines()[-1].endswith(f"is equal to the bit: 2 epochs, 2 metrics, {same}")
    code, out, _ = sweep("replay", "mine", "0", "--here")
    assert code == 1 and "ended otherwise: error after 2 epochs (ValueError: too far) then, stopped after 3" in out
    code, out, _ = sweep("replay", "mine", "0", "--here", "--json", FAIL_AT="1")
    told = json.loads(out)
    assert code == 1 and (told["verdict"], told["epochs"], told["missing_epochs"]) == ("ended otherwise", 0, 2)
    assert not list((place / "results").glob("*/*/noise"))
    assert sweep("run", "mine.py", "--here", "--name", "never", FAIL_AT="1")[0] == 1
    code, out, _ = sweep("replay", "never", "0", "--here", FAIL_AT="1")
    assert code == 0 and out.endswith("ended the same way (error: ValueError: too far) before its first epoch.\n")


def test_an_interrupted_replay_is_gone_on_with(sweep: Command, searched: Path, place: Path) -> None:
    """Ctrl+C in the trial, then in the copies: exit code 130 and the command; no epoch is trained twice."""
    code, out, _ = sweep("replay", "mine", "0", "--here", SHIFT="0.002", INTERRUPT_AT="4")
    assert code == 130 and "results/mine/replay-0 ended early (interrupted): " in out
    assert out.endswith("go on with: sweep replay results/mine 0\n")
    code, _, err = sweep("replay", "mine", "0", "--here", "--json", SHIFT="0.002", INTERRUPT_AT="5", IN_NOISE="1")
    assert code == 130 and "replay-0/noise ended early" in err and "go on with: sweep replay results/mine 0" in err
    assert open_sweep(searched / "replay-0").history.answer is None
    code, out, _ = sweep("resume", "results/mine/replay-0/noise", "--here")
    assert code == 2 or "sweep replay results/mine 0" in out
    code, out, _ = sweep("replay", "mine", "0", "--here", SHIFT="0.002")
    assert code == 0 and "within seed noise" in out
    assert len(trained(place)) == len(set(trained(place))) == 4 * 5
    assert [folder.name for folder in searched.glob("replay-*")] == ["replay-0"]


def test_a_replay_whose_driver_was_killed_is_gone_on_with(sweep: Command, searched: Path) -> None:
    """Wherever it was cut, the answer is the same; a record that has changed since is replayed anew."""
    assert sweep("replay", "mine", "0", "--here")[0] == 0
    ledger = searched / "replay-0" / LEDGER
    lines = ledger.read_bytes().splitlines(keepends=True)
    assert isinstance(read(ledger)[-2].record, DriverEnded)
    for kept in (2, 5, len(lines) - 1):
        ledger.write_bytes(b"".join(lines[:kept]))
        for folder in (searched / "replay-0" / "trials" / "0000").glob(f"*/epoch-0000{max(1, kept - 3)}"):
            shutil.rmtree(folder)
        code, out, _ = sweep("replay", "mine", "0", "--here")
        assert code == 0 and out.endswith("trial 0 trained again is equal to the bit: 5 epochs, 2 metrics.\n"), kept
        assert [folder.name for folder in searched.glob("replay-*")] == ["replay-0"]
    ledger.write_bytes(b"".join(lines[:5]))
    whole = (searched / LEDGER).read_bytes().splitlines(keepends=True)
    (searched / LEDGER).write_bytes(b"".join(whole[:7]))  # trial 0 is interrupted after three epochs
    code, out, _ = sweep("replay", "mine", "0", "--here")
    assert code == 0 and out.endswith("trial 0 trained again is equal to the bit: 3 epochs, 2 metrics.\n")
    assert sorted(folder.name for folder in searched.glob("replay-*")) == ["replay-0", "replay-0-2"]


def test_what_was_killed_before_its_first_line_is_in_nobodys_way(sweep: Command, searched: Path) -> None:
    """Neither a replay whose ledger is empty, nor such copies on other seeds."""
    for folder in (searched / "replay-0", searched / "replay-0-2" / "noise"):
        folder.mkdir(parents=True)
        (folder / LEDGER).touch()
    code, out, _ = sweep("replay", "mine", "0", "--here", SHIFT="0.002", INTERRUPT_AT="5", IN_NOISE="1")
    assert code == 130 and "results/mine/replay-0-3/noise" in out
    (searched / "replay-0-3" / "noise" / LEDGER).write_bytes(b"")
    shutil.rmtree(searched / "replay-0-3" / "noise" / "trials")
    code, out, _ = sweep("replay", "mine", "0", "--here", SHIFT="0.002")
    assert code == 0 and "within seed noise" in out and not (searched / "replay-0-4").exists()


def test_data_that_have_changed_since_an_unfinished_replay_begin_a_new_one(sweep: Command, searched: Path) -> None:
    """It would not go on with other data, and the new one says that they are others than those of the trial."""
    assert sweep("replay", "mine", "0", "--here", INTERRUPT_AT="4")[0] == 130
    code, out, _ = sweep("replay", "mine", "0", "--here", SHIFT="0.002", DATA="others")
    assert code == 0 and "candidates: the data, whose files have changed since." in out
    assert sorted(folder.name for folder in searched.glob("replay-*")) == ["replay-0", "replay-0-2"]


def test_a_trainable_that_goes_on_otherwise_than_it_was_is_a_candidate(sweep: Command, place: Path) -> None:
    """The trial was interrupted, and differs where it went on."""
    assert sweep("run", "mine.py", "--here", INTERRUPT_AT="4")[0] == 130
    assert sweep("resume", "mine", "--here", SHIFT="0.002")[0] == 0
    _, out, _ = sweep("replay", "mine", "0", "--here")
    assert "trial 0 first differs at epoch 5 (" in out
    assert "candidates: it paused after epoch 4 then and went on from a checkpoint." in out
    assert (place / "results" / "mine" / "replay-0" / "noise").is_dir()


def test_what_cannot_be_replayed_is_refused_before_anything_is_written(
    sweep: Command, searched: Path, place: Path
) -> None:
    """No such trial, no number, another trainable, no Ray for a plain function, nothing to compare with."""
    code, _, err = sweep("replay", "mine", "7", "--here")
    assert (code, err) == (2, "error: mine has no trial 7; it has trials 0 to 1. The nearest is 1.\n")
    code, _, err = sweep("replay", "mine", "one", "--here")
    assert code == 2 and "argument TRIAL: 'one' is no number of a trial, such as 17" in err
    code, _, err = sweep("replay")
    assert code == 2 and "the following arguments are required: TRIAL" in err

    whole = read(searched / LEDGER)
    cut = next(entry.n for entry in whole if isinstance(entry.record, EpochReported))
    kept = (searched / LEDGER).read_bytes()
    (searched / LEDGER).write_bytes(b"".join(kept.splitlines(keepends=True)[:cut]))
    code, _, err = sweep("replay", "mine", "0", "--here")
    assert code == 2 and "trial 0 of mine was interrupted before its first epoch, so there is nothing to compare" in err
    (searched / LEDGER).write_bytes(b"".join(kept.splitlines(keepends=True)[: cut + 1]))
    lease = Lease(searched)
    lease.take()
    code, _, err = sweep("replay", "mine", "0", "--here")
    lease.release()
    assert (code, err) == (2, "error: trial 0 of mine is being trained. Replay it when it has ended.\n")
    (searched / LEDGER).write_bytes(kept)
    changed(searched / LEDGER, lambda each: replace(each, derived={"kind": "refit"}) if each.kind == "sweep" else each)
    code, _, err = sweep("replay", "mine", "0", "--here")
    assert code == 2 and "is a refit, which is not replayed. Replay trials of " in err
    (searched / LEDGER).write_bytes(kept)
    rewritten(place / "mine.py", EXPERIMENT.replace('name="made_up"', 'name="other"'))
    code, _, err = sweep("replay", "mine", "0", "--here")
    assert code == 2 and "trainable has changed since the sweep began" in err and '"other" now' in err
    plain = "import dataclasses\n\ndef made_up(config):\n    pass\n\n"
    as_plain = EXPERIMENT.replace("import os\n", f"import os\n{plain}", 1)
    rewritten(place / "mine.py", f"{as_plain}\nexperiment = dataclasses.replace(experiment, trainable=made_up)\n")
    code, _, err = sweep("replay", "mine", "0", "--here")
    assert code == 2 and "--here runs trainables that yield epochs; a plain Ray function reports through Ray." in err
    assert not list(searched.glob("replay-*"))


def test_a_digits_network_is_equal_to_the_bit(place: Path, sweep: Command) -> None:
    """A trial that ASHA stopped is replayed until then, with the learning rates of its whole budget."""
    assert sweep("run", "digits_mlp", "--here", "--trials", "4", "--epochs", "3", "--seed", "1")[0] == 0
    folder = place / "results" / "digits_mlp"
    stopped = [trial for trial in open_sweep(folder).trials if trial.ending == "stopped"]
    completed = [trial for trial in open_sweep(folder).trials if trial.ending == "completed"]
    for trial in (stopped[0], completed[0]):
        code, out, _ = sweep("replay", "digits_mlp", str(trial.trial), "--here")
        assert code == 0 and f"is equal to the bit: {trial.epochs} epoch" in out, out
        again = open_sweep(folder / f"replay-{trial.trial}").trials[0]
        assert (again.ending, again.epochs, again.config["epochs"]) == (trial.ending, trial.epochs, 3)
