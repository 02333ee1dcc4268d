"""Bad input, row by row of the table of faults: refused in words, with exit code 2, before Ray or anything else starts.

Each goes through the command line with a small experiment's file. Where a row is a fault of one trial, or of the
machine, the exit code is that of the design: 1 and 3.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from ray import tune

from experiments import FIFO, Experiment, InputError, Random, open_sweep
from experiments._sweep.command_line import main

EXPERIMENT = '''"""What is x?"""

import math
from pydantic import BaseModel
from ray import tune
from experiments import ASHA, FIFO, BayesOpt, Experiment, Grid, HyperBand, HyperOpt, Random
from trainables import Trainable, image_classifier


class Config(BaseModel):
    model_config = {"extra": "forbid"}
    x: float = 0.0
    y: float = 0.0
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    for epoch in range(1, config.epochs + 1):
        yield {"epoch": epoch, **REPORT}


def plain(config):
    tune.report({"loss": 1.0})


made_up = Trainable(name="made_up", config_type=Config, train=train, metrics={"loss": "falls"})
experiment = Experiment(**{
    "trainable": made_up,
    "space": {"x": tune.uniform(0, 1)},
    "metric": "loss",
    "mode": "min",
    "search": Random(),
    "scheduler": FIFO(),
    "num_trials": 4,
    "epochs": 3,
    CHANGED
})
'''


class Said:
    """What a command answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.faults = [line.removeprefix("error: ") for line in err.splitlines() if line.startswith("error: ")]


Sweep = Callable[..., Said]
Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Starting Ray is a failure here."""

    def init(*_: Any, **__: Any) -> None:
        pytest.fail("Ray was started")

    monkeypatch.setattr(ray, "init", init)
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "RAYSWEEPS_DATA"):
        monkeypatch.delenv(name, raising=False)
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    yield
    assert not ray.is_initialized()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    forget(tmp_path)


def forget(place: Path) -> None:
    """Forgets what was imported from below a folder: a file that has changed is read again."""
    for name, module in list(sys.modules.items()):
        if str(vars(module).get("__file__")).startswith(str(place)):
            del sys.modules[name]


@pytest.fixture
def sweep(place: Path, capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Runs a command on the experiment with some changes, which are Python as text."""

    def command(*options: str, do: str = "show", changed: str = "", report: str = "{'loss': config.x}") -> Said:
        forget(place)
        (place / "mine.py").write_text(EXPERIMENT.replace("REPORT", report).replace("CHANGED", changed))
        code = main([do, "mine.py", *options])
        answered = capsys.readouterr()
        return Said(code, answered.out, answered.err)

    return command


@pytest.fixture
def refused(place: Path, sweep: Sweep) -> Refused:
    """The one fault of an experiment that `sweep run` refuses with exit code 2, without a trace."""

    def fault(*options: str, **changes: str) -> str:
        said = sweep(*options, do="run", **changes)
        assert (said.code, said.out) == (2, ""), said.err
        assert "Traceback" not in said.err
        assert {path.name for path in place.iterdir()} <= {"mine.py", "__pycache__"}
        (only,) = said.faults
        return only

    return fault


def space(x: str) -> str:
    """A change of the experiment: the range of x."""
    return f'"space": {{"x": {x}}},'


B1 = {
    "tune.uniform(1, 0)": "the lower bound 1 is not below the upper bound 0 in uniform(1, 0). Swap them:",
    "tune.loguniform(1, 1e-3)": "the lower bound 1 is not below the upper bound 1e-3 in loguniform(1, 1e-3). Swap",
    "tune.lograndint(8, 2)": "the lower bound 8 is not below the upper bound 2 in lograndint(8, 2). Swap them:",
}


@pytest.mark.parametrize("x", B1)
def test_b1_swapped_bounds(refused: Refused, x: str) -> None:
    """Ray samples from them; the key, the values and the cure are named."""
    assert f"mine.py: space.x: {B1[x]}" in refused(changed=space(x))


@pytest.mark.parametrize(("x", "given"), [("tune.loguniform(0, 1)", "0"), ("tune.loguniform(-1, 1)", "-1")])
def test_b2_log_scale_from_zero(refused: Refused, x: str, given: str) -> None:
    """Ray raises without a name; here the key, the bound that is wrong, and one that is right."""
    said = refused(changed=space(x))
    assert f"space.x: {x} cannot be sampled: a log scale needs a lower bound above 0, got {given}" in said
    assert "such as 1e-6" in said


B3 = ["tune.randint(5, 5)", "tune.choice([])", "tune.grid_search([])"]


@pytest.mark.parametrize("x", B3)
def test_b3_nothing_to_choose_from(refused: Refused, x: str) -> None:
    """An empty range is no success with 0 trials."""
    assert "space.x: no values to choose from" in refused(changed=space(x) + '"search": Grid(),')


@pytest.mark.parametrize("x", ['tune.choice("adam")', 'tune.grid_search("abcab")'])
def test_b4_a_word_in_place_of_a_list(refused: Refused, x: str) -> None:
    """Ray would choose between its letters."""
    said = refused(changed=space(x) + '"search": Grid(),')
    assert "space.x: expected a list, got the string" in said and "Did you mean [" in said


B5 = {
    "tune.quniform(0, 1, 0)": "the step q must be above 0.",
    "tune.quniform(0.1, 1, 0.4)": "both bounds must be multiples of the step 0.4. The nearest are 0 and 0.8.",
}


@pytest.mark.parametrize("x", B5)
def test_b5_steps_that_do_not_fit(refused: Refused, x: str) -> None:
    """ZeroDivisionError in Ray; here the key and the nearest bounds that would do."""
    assert f"space.x: {x} cannot be sampled: {B5[x]}" in refused(changed=space(x))


B6 = [
    *("tune.uniform(0, math.inf)", "tune.randn(math.nan, 1)", "tune.choice([1.0, math.inf])"),
    *(
        "tune.uniform(0, 10**400)",
        "tune.quniform(0, 10**400, 1)",
        "tune.quniform(0, 1, 'a')",
        "tune.loguniform('a', 1)",
    ),
]


@pytest.mark.parametrize("x", B6)
def test_b6_bounds_that_are_no_numbers(refused: Refused, x: str) -> None:
    """Infinity and NaN, whoever finds them."""
    said = refused(changed=space(x))
    assert "space.x" in said and "finite number" in said, said


def test_b9_unknown_searcher_and_scheduler(refused: Refused, sweep: Sweep) -> None:
    """With the names there are and the nearest; the names are in any case of letters."""
    assert "--search: unknown searcher 'hyperoptt': there are bayesopt, grid" in refused("--search", "hyperoptt")
    assert refused("--scheduler", "ashaa").endswith("Did you mean 'asha'?")
    assert sweep("--here", "--scheduler", "ASHA", "--search", "HyperOpt").code == 0


def test_b10_misspelt_option(refused: Refused) -> None:
    """Ray drops it in silence."""
    said = refused(changed='"scheduler": ASHA(grace_periood=5),')
    assert "mine.py: ASHA has no option 'grace_periood' (it has grace_epochs, reduction_factor)." in said


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        ("ASHA(grace_epochs=9)", "scheduler.grace_epochs: 9 is more than the budget of 3 epochs"),
        ("ASHA(reduction_factor=1)", "scheduler.reduction_factor: 1 is given, a finite number of at least 1.1"),
    ],
)
def test_b11_impossible_scheduler(refused: Refused, scheduler: str, words: str) -> None:
    """A bare AssertionError in Ray."""
    assert words in refused(changed=f'"scheduler": {scheduler},')


def test_b12_unknown_mode(refused: Refused) -> None:
    """With the one that was meant."""
    assert "mode must be 'min' or 'max', got 'maximise'. Did you mean 'max'?" in refused(changed='"mode": "maximise",')


def test_b13_misspelt_metric(refused: Refused, sweep: Sweep) -> None:
    """Before anything starts where the trainable says what it reports, at the first report where it does not."""
    assert "metric 'los' is not reported by made_up (it reports loss). Did you mean 'loss'?" in refused(
        changed='"metric": "los",'
    )
    said = sweep("--here", do="run", report="{'los': 1.0}")
    assert said.code == 1
    assert "metric 'loss' was not reported; reported: epoch, los. Did you mean 'los'? Correct `metric`" in said.out
    assert [trial.epochs for trial in open_sweep().trials] == [0], "less than an epoch, less than a second trial"


B14 = {
    "None": "metric 'loss' must be a number, got None (NoneType)",
    "'low'": "metric 'loss' must be a number, got 'low' (str)",
    "[1.0, 2.0]": "metric 'loss' must be a number, got [1.0, 2.0] (list)",
    "object()": "metric 'loss' must be a number, got '<object>' (object)",
}


@pytest.mark.parametrize("loss", B14)
def test_b14_metric_that_is_no_number(sweep: Sweep, loss: str) -> None:
    """It ends its trial with name and type, and the sweep goes on with the next."""
    assert sweep("--here", do="run", report=f"{{'loss': {loss} if config.x < 0.6 else 1.0}}").code == 0
    trials = open_sweep().trials
    assert {trial.ending for trial in trials} == {"error", "completed"}
    assert {trial.why for trial in trials if trial.ending == "error"} == {B14[loss]}


def test_b14_numbers_of_libraries_are_numbers(sweep: Sweep) -> None:
    """numpy's, and tensors of one element."""
    report = "{'loss': __import__('torch').tensor(0.5), 'other': __import__('numpy').float32(0.25)}"
    assert sweep("--here", do="run", report=report).code == 0
    assert open_sweep().trials[0].records[0] == {"epoch": 1, "loss": 0.5, "other": 0.25}


def test_b15_trainable_that_reports_nothing(sweep: Sweep) -> None:
    """A success in Ray; here an error that says what was missing, and exit code 1."""
    said = sweep(
        "--here",
        "--name",
        "silent",
        do="run",
        changed='"trainable": Trainable(name="silent", '
        'config_type=Config, train=lambda config, checkpoints: iter(()), metrics={"loss": ""}),',
    )
    assert said.code == 1
    assert {trial.why for trial in open_sweep("silent").trials} == {"finished without reporting loss"}


@pytest.mark.parametrize("trials", ["0", "-3", "1.5", "many"])
def test_b16_number_of_trials(refused: Refused, trials: str) -> None:
    """0 trials are no success."""
    assert "num_trials must be a whole number of at least 1, got" in refused("--trials", trials)


def test_b17_negative_cpus(refused: Refused) -> None:
    """The raylet would crash."""
    assert "cpus_per_trial must be a number of at least 0, got -1." in refused("--cpus-per-trial", "-1")


def test_b18_resources_that_are_none(refused: Refused, sweep: Sweep, place: Path) -> None:
    """Unknown ones, no numbers, and more than there is: none of them waits for ever."""
    assert "Experiment has no option 'gpus'" in (said := refused(changed='"gpus": 1,'))
    assert said.endswith("Did you mean 'gpus_per_trial'?")
    assert "gpus_per_trial must be a number of at least 0, got 'two'." in refused("--gpus-per-trial", "two")
    answered = sweep("--cpus-per-trial", "4096", do="run")
    assert answered.code == 3 and "a trial needs 4096 CPUs; the largest node has" in answered.err
    assert "Ask for less: --cpus-per-trial." in answered.err and not (place / "results").exists()


def test_b19_parts_of_gpus(refused: Refused, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above one Ray wants whole numbers; below one trials share its memory, which is said."""
    said = refused("--gpus-per-trial", "1.5")
    assert "gpus_per_trial above 1 must be a whole number, got 1.5. A fraction shares one GPU." in said
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    answered = sweep("--gpus-per-trial", "0.3", "--address", "127.0.0.1:6379")
    assert answered.code == 0 and "trials share a GPU: PyTorch gives each 0.3 of its memory at most" in answered.out


def test_b20_name_that_exists(sweep: Sweep, place: Path) -> None:
    """Nothing is mixed: the way on is named."""
    assert sweep("--here", "--name", "first", do="run").code == 0
    before = (place / "results/first/ledger.jsonl").read_bytes()
    said = sweep("--here", "--name", "first", do="run")
    assert said.code == 2 and "--name: 'first' exists in results." in said.err
    assert "sweep resume results/first" in said.err
    assert (place / "results/first/ledger.jsonl").read_bytes() == before


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "", ".", "..", "x" * 256, "a\x07b", "CON", "-x", "é"])
def test_b21_names(refused: Refused, name: str) -> None:
    """Whatever would lead out of the storage folder, or is no name somewhere."""
    said = refused(f"--name={name}")
    why = "a name that Windows keeps for itself" if name == "CON" else "not a name. Use 1 to 100 letters, digits, dots"
    assert said.startswith("--name: ") and f" is {why}" in said


def from_python(trainable: Any, place: Path) -> str:
    """The one fault of an experiment that stands in no file."""
    asked = Experiment(
        trainable=trainable,
        space={"x": tune.uniform(0, 1)},
        metric="loss",
        mode="min",
        search=Random(),
        scheduler=FIFO(),
        num_trials=1,
        epochs=1,
    )
    with pytest.raises(InputError) as error:
        asked.run(name="mine", storage=place)
    assert not (place / "mine").exists()
    (fault,) = error.value.faults
    return fault


def test_b22_a_lock_in_the_space_or_the_trainable(refused: Refused, place: Path) -> None:
    """Its name and what it is, in a sentence; nothing of sixty lines."""
    said = refused(changed='"space": {"x": tune.uniform(0, 1), "y": __import__("threading").Lock()},')
    assert "space.y: a thread lock cannot be written into the sweep's record" in said
    lock, opened = threading.Lock(), socket.socket()

    def guarded(config: Any) -> Any:
        return lock, config

    def inner() -> Any:
        return opened

    def indirect(config: Any) -> Any:
        return inner(), config

    said = from_python(guarded, place)
    assert said.startswith("trainable: guarded uses 'lock', a thread lock, which cannot be sent to the processes of")
    assert "Create it inside the trainable, or put the experiment into a file" in said
    assert "trainable: indirect uses 'opened', a socket, which cannot be sent" in from_python(indirect, place)
    opened.close()


def test_b23_a_data_set_in_the_trainable(place: Path) -> None:
    """More than 50 MB would be sent to every process."""
    pixels = np.zeros(60_000_000, dtype=np.uint8)

    def train(config: Any) -> Any:
        return pixels[config["x"]]

    said = from_python(train, place)
    assert "trainable: train uses 'pixels', which takes more than 50 MB, and every process would get a copy" in said
    assert "Load it inside the trainable" in said


def test_b24_a_grid_without_end(refused: Refused) -> None:
    """With its numbers, the limit and what to use instead."""
    grid = '"space": {"x": tune.grid_search(list(range(1000))), "y": tune.grid_search(list(range(1000)))},'
    said = refused(changed=grid + '"search": Grid(),')
    assert "the grid has 1,000,000 configurations (1,000 x 1,000); at most 10,000 are allowed" in said
    assert "Use Random() or HyperOpt()" in said


def test_b25_grid_search_without_grid(refused: Refused) -> None:
    """By name, with what to write instead."""
    said = refused(changed=space("tune.grid_search([1.0, 2.0])") + '"search": HyperOpt(),')
    assert "space.x: HyperOpt cannot run grid_search" in said and "tune.choice" in said


@pytest.mark.parametrize("x", ["tune.randint(0, 4)", "tune.choice([0.5, 1.0])", "tune.loguniform(1e-3, 1)"])
def test_b26_bayesian_optimization_takes_every_range(sweep: Sweep, x: str) -> None:
    """Ray's takes floats alone, and the logarithm as if it were none; here they are supported."""
    assert sweep("--here", changed=space(x) + '"search": BayesOpt(),').code == 0


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ("{'x': 5.0}", "start_points[0].x: 5 is outside the space: uniform from 0 to 1."),
        ("{'z': 0.5}", "start_points[0]: the space has no 'z'; it has x."),
    ],
)
def test_b27_start_points(refused: Refused, sweep: Sweep, point: str, words: str) -> None:
    """Out of range and unknown are refused; what is missing is drawn."""
    assert words in refused(changed=f'"start_points": [{point}],')
    assert sweep("--here", changed='"start_points": [{}],').code == 0


def test_b28_nothing_to_search(refused: Refused) -> None:
    """Every value is fixed."""
    assert "space: nothing to search: every value is fixed (x)." in refused(changed=space("0.5"))


def test_b29_hyperband_without_checkpoints(sweep: Sweep) -> None:
    """No pause loses work in silence: what it costs is said before anything starts."""
    said = sweep("--trials", "9", "--epochs", "9", changed='"trainable": plain, "scheduler": HyperBand(),')
    assert said.code == 0
    assert (
        "goes on from the newest checkpoint it reported; without" in said.out and "trains its epochs again" in said.out
    )


def test_b30_data_that_is_not_there(refused: Refused, place: Path) -> None:
    """Once, on this side, with the folder and the command that fetches it."""
    changed = '"trainable": image_classifier, "metric": "val_loss", '
    changed += '"space": {"dataset": "mnist", "lr": tune.uniform(0.1, 1)},'
    said = refused("--data-dir", str(place), changed=changed)
    assert f"mnist is not in {place}" in said
    assert f"python -m trainables fetch mnist --data-dir {place}" in said
    assert "12 MB to download" in said


@pytest.mark.parametrize("seed", ["zero", "-1", str(2**32), "1.5"])
def test_b31_seeds(refused: Refused, seed: str) -> None:
    """No late error of numpy's."""
    assert "seed must be a whole number from 0 to 2**32 - 1, got" in refused("--seed", seed)


def test_b32_signature(refused: Refused) -> None:
    """A trainable takes the configuration and nothing else."""
    said = refused(changed='"trainable": lambda config, x: None,')
    assert "trainable must take one argument, the configuration; it takes config, x." in said


def test_b33_names_that_are_not_there(refused: Refused, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the file's own terms: what it has, and what was meant."""
    assert "trainable must be one of trainables or a function f(config), got 'train'." in refused(
        changed='"trainable": "train",'
    )
    (place / "typo.py").write_text("from trainables import image_clasifier\n")
    assert main(["run", "typo.py"]) == 2
    said = capsys.readouterr().err
    assert (
        "typo.py: trainables has no 'image_clasifier'; it has " in said and "Did you mean 'image_classifier'?" in said
    )
    (place / "other.py").write_text(
        (place / "mine.py").read_text().replace('"train"', "made_up").replace("experiment = ", "mine = ")
    )
    assert main(["run", "other.py"]) == 2
    assert "other.py has no `experiment = Experiment(...)`; it has mine." in capsys.readouterr().err
    assert main(["run", "nowhere.py"]) == 2
    assert "nowhere.py: there is no such file." in capsys.readouterr().err


def test_b34_changed_space(sweep: Sweep, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sweep that was interrupted does not go on with another space in silence."""
    assert sweep("--here", do="run").code == 0
    ledger = place / "results/mine/ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:6]))
    before = ledger.read_bytes()
    (place / "mine.py").write_text((place / "mine.py").read_text().replace("uniform(0, 1)", "uniform(0, 2)"))
    forget(place)
    assert main(["resume", "--here"]) == 2
    said = capsys.readouterr().err
    assert "space.x" in said and "[0, 1]" in said and "[0, 2]" in said
    assert ledger.read_bytes() == before


B35 = {
    "{'loss': 1.0, 'note': 'x' * 10**7}": "a report may have 65536 bytes, got 10000",
    "{'loss': 1.0, '<b>': 1}": "metric names use 1 to 100 letters, digits and _./-, got '<b>'",
    "{'loss': 1.0, 'a\\nb': 1}": "metric names use 1 to 100 letters, digits and _./-, got 'a\\nb'",
}


@pytest.mark.parametrize("report", B35)
def test_b35_reports_that_are_no_metrics(sweep: Sweep, place: Path, report: str) -> None:
    """They end their trial with the reason and never get into the record."""
    assert sweep("--here", do="run", report=report).code == 1
    assert {trial.ending for trial in open_sweep().trials} == {"error"}
    assert open_sweep().trials[0].why.startswith(B35[report])
    assert (place / "results/mine/ledger.jsonl").stat().st_size < 20_000
    assert sweep("--here", "--name", "nested", do="run", report="{'loss': 1.0, 'val/loss': 2.0}").code == 0


def test_b_all_faults_of_an_experiment_at_once(sweep: Sweep, place: Path) -> None:
    """Options, experiment and space in one answer, each fault once."""
    said = sweep(
        *("--trials", "0", "--seed", "-1", "--name", "../x", "--search", "hyperoptt", "--gpus-per-trial", "1.5"),
        do="run",
    )
    assert said.code == 2
    for words in ("num_trials", "seed", "--name", "--search", "gpus_per_trial"):
        assert sum(words in fault for fault in said.faults) == 1, words
    assert len(said.faults) == 5 and not (place / "results").exists()


def test_b_json_of_show_is_json(sweep: Sweep) -> None:
    """What is accepted is told to programs as well."""
    assert json.loads(sweep("--here", "--json").out)["num_trials"] == 4
