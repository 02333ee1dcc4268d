"""The bound on checkpoints: what is kept, what goes, and that nothing else does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments import Experiment, InputError
from experiments._sweep.driving import drive
from experiments._sweep.engine.tidying import Tidying
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.options import RunOptions
from experiments._sweep.registry import FoundExperiment
from experiments._sweep.sweep import Sweep, checkpoint_of, no_checkpoint
from tests.experiments.conftest import Made, driver, entries, experiment, opened
from tests.experiments.test_ledger import ended, epoch, proposed, segment
from trainables import drop_checkpoints


def waning(config: Made, checkpoints: Any) -> Iterator[dict[str, Any]]:
    """Best at its second epoch; one above 0.8 raises after it."""
    for number in range(1, config.epochs + 1):
        if number == 3 and config.x > 0.8:
            raise ValueError("too far")
        record = {"epoch": number, "loss": config.x + abs(number - 2)}
        checkpoints.save(number, record, None)
        yield record


def run(folder: Path, asked: Experiment, keep: int | None) -> Sweep:
    """Runs a sweep in the folder."""
    folder.mkdir()
    found = FoundExperiment(name="made", question="", source={"kind": "python", "name": "made"}, experiment=asked)
    return drive(found, folder, RunOptions(here=True, keep=keep), None, opened(asked)).sweep


def kept(folder: Path) -> dict[int, list[str]]:
    """Trial to the names of its checkpoints, of those that have any."""
    found: dict[int, list[str]] = {}
    for path in sorted(folder.glob("trials/*/*/*")):
        found.setdefault(int(path.parts[-3]), []).append(path.name)
    return found


def test_of_the_leading_trials_the_best_checkpoint_is_kept_and_of_the_others_none(tmp_path: Path) -> None:
    """Of 12 trials, some of which fail, two checkpoints are left, and the ledger knows them all."""
    sweep = run(tmp_path / "sweep", experiment(waning, num_trials=12, epochs=4), keep=2)
    assert {trial.ending for trial in sweep.trials} == {"completed", "error"}
    leading = [trial.number for trial in sweep.history.ranked][:2]
    assert kept(sweep.folder) == {number: ["epoch-00002"] for number in sorted(leading)}
    assert {path.name for path in (sweep.folder / "trials").iterdir()} == {f"{number:04d}" for number in leading}
    assert sweep.best.checkpoint is not None and sweep.best.epoch == 2


def test_all_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    """`--keep all`: the two newest and the best of each trial, failed ones too."""
    sweep = run(tmp_path / "sweep", experiment(waning, num_trials=4, epochs=4), keep=None)
    assert sorted(kept(sweep.folder)) == [0, 1, 2, 3]
    assert ["epoch-00002", "epoch-00003", "epoch-00004"] in kept(sweep.folder).values()


@pytest.mark.parametrize("keep", [1, 3])
def test_trials_that_have_not_ended_keep_theirs(tmp_path: Path, keep: int) -> None:
    """Held, running and interrupted ones go on from them, whatever they are worth; they take no place from others."""
    for number in range(5):
        save(tmp_path, number, 1, 2, 3)
    told = [record for number in range(5) for record in (proposed(number), segment(number), epoch(number, 1, number))]
    held = EpochReported(trial=0, segment=1, epoch=2, metrics={"loss": 0.0}, action="hold", t=1.0)
    stopped = [epoch(number, 2, 9.0, action="stop", ending="stopped") for number in (3, 4)]
    watch(Tidying(tmp_path, keep), *told, held, *stopped)
    whole = ["epoch-00001", "epoch-00002", "epoch-00003"]
    gone = {3: ["epoch-00001"]} if keep == 1 else {3: ["epoch-00001"], 4: ["epoch-00001"]}
    assert kept(tmp_path) == {0: whole, 1: whole, 2: whole, **gone}


def test_a_new_driver_tidies_up_what_a_killed_one_left(tmp_path: Path) -> None:
    """Endings that were recorded and not yet tidied up behind, and the remains of a removal."""
    for number in range(3):
        save(tmp_path, number, 1, 2)
    (trial_folder(tmp_path, 0) / "segment-001" / ".epoch-00003-abcd1234").mkdir()
    told = [record for number in range(3) for record in (proposed(number), segment(number))]
    ends = [epoch(number, 1, float(number), action="stop", ending="completed") for number in range(3)]
    history = History(entries(opened(experiment()), driver(), *told, *ends))
    last = entries(driver(2))[0]
    history.apply(last)
    Tidying(tmp_path, 1).saw(last, history)
    assert kept(tmp_path) == {0: ["epoch-00001"]}


def test_a_trial_without_a_checkpoint_of_its_best_epoch_keeps_what_it_has(tmp_path: Path) -> None:
    """A trainable that saves now and then has its next best epoch there."""
    save(tmp_path, 0, 2, 4)
    watch(Tidying(tmp_path, 1), proposed(0), segment(0), epoch(0, 1, 0.5), ended(0, "completed"))
    assert kept(tmp_path) == {0: ["epoch-00002", "epoch-00004"]}


def test_what_a_plain_ray_function_reported_is_tidied_up_alike(tmp_path: Path) -> None:
    """Its checkpoints lie below ray/; the ledger's word alone takes nothing else away."""
    outside = tmp_path / "outside"
    sweep = tmp_path / "sweep"
    reported = {(trial, n): f"ray/driver-1/{trial:04d}-001/checkpoint_{n:06d}" for trial in range(2) for n in (1, 2)}
    for place in (outside, *(sweep / path for path in reported.values())):
        place.mkdir(parents=True)
        (place / "state").write_text("x")
    (sweep / "ray" / "link").symlink_to(outside)
    told = [
        *(record for trial in range(3) for record in (proposed(trial), segment(trial))),
        *(epoch(trial, n, trial + n / 10, checkpoint=path) for (trial, n), path in reported.items()),
        *(epoch(2, n, 9.0, checkpoint=path) for n, path in enumerate(("ray/link", "ray/../../outside"), start=1)),
        *(ended(trial, "completed") for trial in range(3)),
    ]
    watch(Tidying(sweep, 1), *told)
    assert [path for path in reported.values() if (sweep / path).is_dir()] == [reported[0, 1]]
    assert (outside / "state").is_file()


@pytest.mark.parametrize(
    "link", ["trials", "trials/0000", "trials/0000/segment-001", "trials/0000/segment-001/epoch-00001"]
)
def test_s10_links_are_not_followed(tmp_path: Path, link: str) -> None:
    """Whatever on the way to a checkpoint is a link, what it leads to stays byte for byte."""
    sweep, elsewhere = tmp_path / "sweep", tmp_path / "elsewhere"
    save(elsewhere, 0, 1)
    (sweep / link).parent.mkdir(parents=True, exist_ok=True)
    (sweep / link).symlink_to(elsewhere / link)
    before = {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()}
    watch(Tidying(sweep, 1), proposed(0), segment(0), ended(0, "error"))
    assert {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()} == before


def test_s10_nothing_but_checkpoints_is_removed(tmp_path: Path) -> None:
    """Files and folders of other names stay, beside checkpoints and above them."""
    save(tmp_path, 0, 1)
    mine = [
        tmp_path / "trials" / "notes.txt",
        trial_folder(tmp_path, 0) / "mine",
        tmp_path / "trials/0000/segment-001/a",
    ]
    for path in mine:
        path.write_text("x")
    drop_checkpoints(trial_folder(tmp_path, 0))
    assert all(path.read_text() == "x" for path in mine) and kept(tmp_path) == {0: ["a"]}
    drop_checkpoints(tmp_path / "nowhere")


def test_who_finds_no_checkpoint_is_told_why(tmp_path: Path) -> None:
    """The trial, the bound, and what to do; a leading one without it has another reason."""
    sweep = run(tmp_path / "sweep", experiment(num_trials=3), keep=1)
    first, last = sweep.history.ranked[0], sweep.history.ranked[-1]
    assert checkpoint_of(sweep.folder, last) is None
    assert no_checkpoint(sweep.history, last) == (
        "it was removed when the trial had ended, for only the leading trial keeps its own (--keep)"
    )
    assert no_checkpoint(sweep.history, first) == "none was saved there, or it is damaged or gone"
    with pytest.raises(InputError, match=r"no whole checkpoint .* it was removed .* sweep replay"):
        sweep.export(tmp_path / "model", trial=last.number)


def test_a_sweep_made_of_another_keeps_all(tmp_path: Path) -> None:
    """A confirmation measures each of its trials on the test split when all have ended."""
    save(tmp_path, 0, 1)
    asked = opened(experiment())
    derived = type(asked)(**{**vars(asked), "derived": {"kind": "confirmation"}})
    told = entries(derived, driver(), proposed(0), segment(0), ended(0, "error"))
    history, tidying = History(), Tidying(tmp_path, 1)
    for each in told:
        history.apply(each)
        tidying.saw(each, history)
    assert kept(tmp_path) == {0: ["epoch-00001"]}


def save(sweep: Path, trial: int, *epochs: int) -> None:
    """Makes checkpoints of a trial."""
    for number in epochs:
        folder = trial_folder(sweep, trial) / "segment-001" / f"epoch-{number:05d}"
        folder.mkdir(parents=True)
        (folder / "checkpoint.json").write_text(json.dumps({"epoch": number}))


def watch(tidying: Tidying, *records: Any) -> None:
    """Shows it a sweep with these records after its first two, one by one."""
    history = History()
    for each in entries(opened(experiment()), driver(), *records):
        history.apply(each)
        tidying.saw(each, history)
