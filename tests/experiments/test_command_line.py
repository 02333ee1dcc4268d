"""The command `sweep`, through `main([...])`: what it refuses, what it shows, and small sweeps from end to end."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.command_line.parser import COMMANDS, build
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.views.words import number

ROOT = Path(__file__).resolve().parents[2]

EVERY_OPTION = """
list --json
show --address --concurrent --cpus-per-trial --data-dir --epochs --gpus-per-trial --here --insecure \
--install-missing --json --keep --learn-from --name --patience-trials --resource --scheduler --search --seed --set \
--stall-timeout --storage --target --time-limit --trials --wait-for-nodes EXPERIMENT
run --address --concurrent --cpus-per-trial --data-dir --epochs --gpus-per-trial --here --insecure --install-missing \
--keep --learn-from --name --patience-trials --resource --resume-if-exists --scheduler --search --seed --set \
--stall-timeout --storage --target --time-limit --trials --trust --wait-for-nodes --yes EXPERIMENT
resume --address --concurrent --data-dir --here --insecure --install-missing --keep --patience-trials \
--stall-timeout --storage --take-over --target --time-limit --trials --trust --wait-for-nodes --yes SWEEP
trials --json --storage --watch SWEEP TRIAL
best --json --storage SWEEP
confirm --address --again --concurrent --data-dir --here --insecure --install-missing --json --refit --seeds \
--stall-timeout --storage --time-limit --top --trust --wait-for-nodes SWEEP
export --by-epoch --csv --data-dir --json --optuna --storage --to --trial --trust SWEEP
replay --address --concurrent --data-dir --here --insecure --install-missing --json --stall-timeout --storage \
--time-limit --trust --wait-for-nodes SWEEP TRIAL
report --storage --to SWEEP
board --port --storage SWEEP
"""

EXPERIMENT = '''"""What is x?"""

import math

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        record = {"epoch": epoch, "loss": LOSS}
        checkpoints.save(epoch, record, None)
        yield record


experiment = Experiment(
    trainable=Trainable(name="made_up", config_type=Config, train=train, metrics={"loss": "falls"}),
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=4,
    epochs=3,
)
'''

Sweep = Callable[..., tuple[int, str, str]]


pytestmark = pytest.mark.usefixtures("fresh_imports")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sweep(place: Path, capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Run one command in that folder; exit code, output, errors."""
    assert Path.cwd() == place

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def write(
    place: Path, loss: str = "(epoch - 2) ** 2 + config.x", name: str = "mine", old: str = "", new: str = ""
) -> str:
    """Write an experiment's file; its path."""
    path = place / f"{name}.py"
    path.write_text(EXPERIMENT.replace("LOSS", loss).replace(old, new))
    return str(path)


def tree(place: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_the_list_of_commands_and_options() -> None:
    """Other people's scripts rest on it."""
    top, commands = build()
    assert list(commands) == list(COMMANDS) and top.prog == "sweep"
    lines = []
    for name, parser in commands.items():
        actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
        options = sorted(option for action in actions for option in action.option_strings)
        lines.append(
            " ".join([name, *options, *(str(action.metavar) for action in actions if not action.option_strings)])
        )
    assert lines == EVERY_OPTION.strip().splitlines(), "changing it needs a CHANGELOG line"


BAD: list[tuple[list[str], list[str]]] = [
    (["rnu"], ["there is no command 'rnu': there are list, show, run", "Did you mean 'run'?"]),
    (["run", "digits_mlp", "--trails", "3"], ["unrecognized arguments: --trails", "Did you mean '--trials'?"]),
    (["run"], ["the following arguments are required: EXPERIMENT", "See: sweep run --help"]),
    (["run", "digit_mlp"], ["there is no experiment 'digit_mlp'", "Did you mean 'digits_mlp'?"]),
    (["run", "nothing.py"], ["nothing.py: there is no such file"]),
    (
        ["run", "digits_mlp", "--time-limit", "soon"],
        ["--time-limit takes a time such as 90, 90s, 15m or 2h, got 'soon'"],
    ),
    (["run", "digits_mlp", "--time-limit", "-5"], ["--time-limit takes a time"]),
    (["run", "digits_mlp", "--time-limit", "0"], ["--time-limit must be above 0 seconds, got 0.0."]),
    (["run", "digits_mlp", "--trials", "0"], ["digits_mlp: num_trials must be a whole number of at least 1, got 0."]),
    (["run", "digits_mlp", "--trials", "many"], ["num_trials must be a whole number of at least 1, got 'many'."]),
    (["run", "digits_mlp", "--seed", "1.5"], ["seed must be a whole number from 0 to 2**32 - 1, got 1.5."]),
    (["run", "digits_mlp", "--concurrent", "0"], ["--concurrent must be a whole number of at least 1, got 0."]),
    (["run", "digits_mlp", "--concurrent", "all"], ["--concurrent must be a whole number of at least 1, got 'all'."]),
    (["run", "digits_mlp", "--cpus-per-trial", "-1"], ["cpus_per_trial must be a number of at least 0, got -1."]),
    (["run", "digits_mlp", "--gpus-per-trial", "2"], ["gpus_per_trial is 2, but image_classifier uses at most 1."]),
    (["run", "digits_mlp", "--set", "lr"], ["--set takes KEY=VALUE, got 'lr'. For example: --set lr=0.01"]),
    (["run", "digits_mlp", "--resource", "big"], ["--resource takes NAME=X, got 'big'. For example: --resource"]),
    (["run", "digits_mlp", "--resource", "CPU=2"], ["It has an option of its own: cpus_per_trial, --cpus-per-trial."]),
    (["run", "digits_mlp", "--resource", "big=x"], ["big must be a number of at least 0.0001, got 'x'."]),
    (["run", "digits_mlp", "--wait-for-nodes", "1m"], ["--wait-for-nodes is about the nodes of a cluster; here"]),
    (
        ["run", "digits_mlp", "--here", "--insecure", "--install-missing"],
        ["--insecure and --install-missing are about the nodes of a cluster; here is one machine. Leave them out"],
    ),
    (["run", "digits_mlp", "--set", "lr.=1"], ["--set takes KEY=VALUE, got 'lr.=1'."]),
    (
        ["run", "digits_mlp", "--set", "learning_rate=1"],
        ["--set learning_rate: there is no such hyperparameter (there"],
    ),
    (
        ["run", "digits_mlp", "--set", "lr.x=1"],
        ["--set lr.x: lr is one value and has nothing inside. Use --set lr=VAL"],
    ),
    (["run", "digits_mlp", "--set", "epochs=3"], ["--set epochs: the budget has an option of its own. Use --epochs."]),
    (["run", "digits_mlp", "--set", "lr=-1"], ["image_classifier: 'lr' is -1; it should be greater than 0"]),
    (["run", "digits_mlp", "--set", "lr=NaN"], ["space.lr: nan is given where a finite number is needed."]),
    (
        ["run", "digits_mlp", "--search", "hyperoptt"],
        ["--search: unknown searcher 'hyperoptt'", "Did you mean 'hyperopt'"],
    ),
    (["run", "digits_mlp", "--scheduler", "ashaa"], ["--scheduler: unknown scheduler 'ashaa'", "Did you mean 'asha'?"]),
    (["run", "digits_mlp", "--name", "../x"], ["--name: '../x' is not a name."]),
    (
        ["run", "digits_mlp", "--address", "ray://h:1"],
        ["'ray://h:1' is not supported: with Ray's own client", "http(s)://HEAD:8265", "'auto', or HOST:PORT"],
    ),
    (["run", "digits_mlp", "--address", "nowhere"], ["--address: 'nowhere' is not an address."]),
    (["run", "digits_mlp", "--address", "10.0.0.1:6379"], ["would be joined without a token", "ray get-auth-token"]),
    (["run", "digits_mlp", "--address", "auto"], ["--address: 'auto' would be joined without a token"]),
    (["run", "digits_mlp", "--data-dir", "nowhere"], ["--data-dir: there is no folder nowhere."]),
    (
        ["run", "digits_mlp", "--here", "--storage", "a_file/below"],
        ["--storage: a_file/below/digits_mlp cannot be made"],
    ),
    (["run", "digits_mlp", "--storage", "a_file"], ["--storage: a_file is a file. Give a folder."]),
    (["run", "mnist_random", "--data-dir", "."], ["mnist is not in", "python -m trainables fetch mnist --data-dir"]),
    (["resume"], ["there is no sweep in results. Start one: sweep run"]),
    (["trials", "x" * 300], ["there is no sweep 'xxx"]),
    (["trials", "x", "y"], ["argument TRIAL: 'y' is no number of a trial, such as 17"]),
    (["best", "--json"], ["there is no sweep in results."]),
]


@pytest.mark.parametrize(("arguments", "texts"), BAD, ids=[" ".join(arguments)[:60] for arguments, _ in BAD])
def test_bad_input_ends_with_2_and_writes_nothing(
    place: Path, sweep: Sweep, arguments: list[str], texts: list[str]
) -> None:
    """One error line with what is wrong and what to do; no traceback, no file, no folder."""
    (place / "a_file").touch()
    code, out, err = sweep(*arguments)
    assert (code, out) == (2, "")
    assert all(line.startswith("error: ") for line in err.splitlines()) and len(err.splitlines()) == 1
    for text in texts:
        assert text in err
    assert [path.name for path in place.iterdir()] == ["a_file"]


def test_all_faults_of_a_command_are_told_at_once(place: Path, sweep: Sweep) -> None:
    """Those of the options, of the pins, of the names and of the experiment."""
    given = "--time-limit soon --concurrent 0 --address ray://h:1 --data-dir nowhere --name ../x --set lr --set lrr=1 "
    given += "--search hyperoptt --scheduler ashaa --trials 0 --seed -1 --cpus-per-trial one"
    code, out, err = sweep("run", "digits_mlp", *given.split())
    assert (code, out) == (2, "")
    expected = [
        "--time-limit",
        "--concurrent",
        "--address",
        "--data-dir",
        "--name",
        "--set takes",
        "--set lrr",
        "--search",
    ]
    expected += ["--scheduler", "digits_mlp: num_trials", "digits_mlp: seed", "digits_mlp: cpus_per_trial"]
    lines = err.splitlines()
    for beginning in expected:
        assert sum(line.startswith(f"error: {beginning}") for line in lines) == 1, beginning
    assert len(lines) == len(expected)
    assert list(place.iterdir()) == []


def test_a_file_that_does_not_import_shows_its_own_traceback(place: Path, sweep: Sweep) -> None:
    """And the faults of the options beside it; what it says cannot move the cursor."""
    (place / "broken.py").write_text('raise ValueError("\\x1b[2Jmine")\n')
    code, _, err = sweep("run", "broken.py", "--concurrent", "0")
    assert code == 2 and "\x1b" not in err
    assert err.startswith("Traceback (most recent call last):\n") and "registry.py" not in err
    assert "does not import; its own traceback is above." in err and "error: --concurrent" in err


def test_show_says_what_would_run_and_writes_nothing(place: Path, sweep: Sweep) -> None:
    """The rungs in plain words, the budget, the folder."""
    code, out, err = sweep("show", "digits_mlp", "--here", "--trials", "9", "--set", "lr=0.01")
    assert (code, err) == (0, "")
    assert "digits_mlp: How far does a small MLP get" in out and "lr             0.01" in out
    assert "After epochs 1, 3 and 9: a trial goes on if it is among the best third" in out
    assert "9 trials of at most 27 epochs: at most 243 epochs" in out and "results/digits_mlp" in out
    code, out, _ = sweep("show", "digits_mlp", "--here", "--json")
    told = json.loads(out)
    assert code == 0 and told["rungs"] == [1, 3, 9] and told["epochs_at_most"] == 64 * 27
    assert told["scheduler"] == {"name": "ASHA", "grace_epochs": 1, "reduction_factor": 3}
    assert list(place.iterdir()) == []


def test_a_digits_sweep_from_end_to_end(place: Path, sweep: Sweep) -> None:
    """Exit code 0, a private ledger, and a best checkpoint that belongs to the best epoch."""
    code, out, _ = sweep("run", "digits_mlp", "--here", "--trials", "3", "--epochs", "3", "--seed", "1")
    assert code == 0 and "first epoch reported" in out and "sweep trials" in out
    folder = place / "results" / "digits_mlp"
    assert (folder / LEDGER).stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    trials = json.loads(sweep("trials", "--json")[1])
    assert [list(trial) for trial in trials] == [
        ["trial", "ending", "config", "value", "epoch", "epochs", "seconds"]
    ] * 3
    assert {trial["ending"] for trial in trials} <= {"completed", "stopped"}
    best = json.loads(sweep("best", "digits_mlp", "--json")[1])
    assert list(best) == ["trial", "config", "metric", "value", "epoch", "metrics", "checkpoint"]
    assert best["value"] == min(trial["value"] for trial in trials) and best["metric"] == "val_loss"
    saved = json.loads((Path(best["checkpoint"]) / "checkpoint.json").read_text())
    assert (saved["epoch"], saved["record"]["val_loss"]) == (best["epoch"], best["value"])
    one = json.loads(sweep("trials", str(folder), str(best["trial"]), "--json")[1])
    assert one["records"][best["epoch"] - 1]["val_loss"] == best["value"] and one["trial"] == best["trial"]
    assert one["records"][best["epoch"] - 1] == best["metrics"]
    assert "trial" in sweep("trials")[1] and "checkpoint" in sweep("best")[1]
    gap = f"generalization_gap {number(best['metrics']['generalization_gap'])}"
    assert gap in sweep("best")[1] and gap in sweep("trials", "digits_mlp", str(best["trial"]))[1]
    assert f"trial {best['trial']} of digits_mlp: " in sweep("trials", "digits_mlp", str(best["trial"]))[1]
    code, _, err = sweep("trials", "digits_mlp", "7")
    assert code == 2 and "digits_mlp has no trial 7; it has trials 0 to 2." in err


def test_the_best_epoch_need_not_be_the_last(place: Path, sweep: Sweep) -> None:
    """The checkpoint of the epoch before it is kept, and looking changes nothing."""
    assert sweep("run", write(place), "--here")[0] == 0
    before = tree(place)
    best = json.loads(sweep("best", "--json")[1])
    assert best["epoch"] == 2 and best["checkpoint"].endswith("epoch-00002")
    for command in (["trials"], ["trials", "mine", "0"], ["best"], ["show", "mine.py"], ["trials", "--json"]):
        assert sweep(*command)[0] == 0
    assert {name: content for name, content in tree(place).items() if "pycache" not in name} == {
        name: content for name, content in before.items() if "pycache" not in name
    }
    opened = open_sweep()
    assert opened.frame()["config/x"].tolist() == [trial.config["x"] for trial in opened.trials]


def test_a_second_run_is_numbered_and_a_name_is_not_taken_twice(place: Path, sweep: Sweep) -> None:
    """The refusal has the command that continues the first."""
    path = write(place)
    for name in ("mine", "mine-2"):
        assert sweep("run", path, "--here")[0] == 0 and (place / "results" / name / LEDGER).is_file()
    code, _, err = sweep("run", path, "--here", "--name", "mine")
    assert code == 2 and "error: --name: 'mine' exists in results. To continue it: sweep resume results/mine" in err


def test_a_finished_sweep_has_nothing_left_to_do(place: Path, sweep: Sweep) -> None:
    """Resuming it says so and changes nothing."""
    sweep("run", write(place), "--here")
    before = (place / "results" / "mine" / LEDGER).read_bytes()
    code, out, _ = sweep("resume", "mine", "--here")
    assert code == 0 and "mine has finished: nothing is left to do." in out
    assert (place / "results" / "mine" / LEDGER).read_bytes() == before


def interrupt_at(place: Path, line: int) -> Path:
    """Cut a finished sweep's ledger after so many lines, in its second trial, as a killed driver leaves it."""
    ledger = place / "results" / "mine" / LEDGER
    for trial in ledger.parent.glob("trials/000[1-9]"):
        shutil.rmtree(trial)
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:line]) + b'{"n":')
    return ledger


def test_an_interrupted_sweep_is_resumed(place: Path, sweep: Sweep) -> None:
    """The same configurations and values as without the interruption, each epoch once; a torn line is no harm."""
    sweep("run", write(place), "--here")
    whole = json.loads(sweep("trials", "--json")[1])
    interrupt_at(place, 9)
    assert "interrupted" in sweep("trials")[1]
    assert sweep("resume", "--here")[0] == 0
    resumed = json.loads(sweep("trials", "--json")[1])
    keys = ("trial", "ending", "config", "value", "epoch", "epochs")
    assert [[trial[key] for key in keys] for trial in resumed] == [[trial[key] for key in keys] for trial in whole]


def test_a_time_limit_is_as_asked_and_resumable(place: Path, sweep: Sweep) -> None:
    """It stops at the next epoch; `resume` goes on."""
    path = write(place, loss="(__import__('time').sleep(0.02), epoch)[1]")
    code, out, _ = sweep("run", path, "--here", "--time-limit", "0.05")
    assert "mine ended early (time limit): the time limit of 0.05 s was reached" in out
    assert "go on with: sweep resume" in out and code in {0, 1}
    assert sweep("resume", "--here")[0] == 0
    assert {trial.ending for trial in open_sweep("results/mine").trials} == {"completed"}


def test_a_trainable_that_always_fails_ends_with_1(place: Path, sweep: Sweep) -> None:
    """After three trials, with its traceback once."""
    code, out, _ = sweep("run", write(place, loss="1 / 0"), "--here")
    assert code == 1
    assert out.count("Traceback (most recent call last)") == 1 and out.count("    record = {") == 1
    assert "mine ended early (failed): the first 3 trials all ended with: ZeroDivisionError: division by zero" in out
    assert [trial.ending for trial in open_sweep("results/mine").trials] == ["error"] * 3
    assert sweep("best")[0] == 2


def test_diverging_trials_end_as_such(place: Path, sweep: Sweep) -> None:
    """Nobody succeeded: 1. JSON has no NaN, so it is written as text."""
    code, out, _ = sweep("run", write(place, loss="math.nan"), "--here")
    assert code == 1 and "4 diverged" in out and "no trial succeeded" in out
    one = json.loads(sweep("trials", "mine", "0", "--json")[1], parse_constant=pytest.fail)
    assert one["ending"] == "diverged" and one["records"][0]["loss"] == "nan" and one["value"] is None


def test_a_searcher_that_raises_ends_with_3(place: Path, sweep: Sweep) -> None:
    """A fault of the engine: recorded, told with its traceback, resumable."""
    old, new = "search=Random(),", "search=Broken(),"
    path = Path(write(place, old=old, new=new))
    broken = "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Broken(Random):\n"
    broken += "    def propose(self, *_, **__):\n        raise RuntimeError('no idea')\n\n\nexperiment = "
    path.write_text(path.read_text().replace("experiment = ", broken, 1))
    code, out, _ = sweep("run", str(path), "--here")
    assert code == 3 and "ended early (fault)" in out and "RuntimeError: no idea" in out and "sweep resume" in out


def test_a_changed_experiment_is_not_resumed(place: Path, sweep: Sweep) -> None:
    """F28: without a terminal and without --yes; the difference is shown, key by key, and nothing is written."""
    sweep("run", write(place), "--here")
    ledger = interrupt_at(place, 9)
    before = ledger.read_bytes()
    write(place, old="uniform(0, 1)", new="uniform(0, 2)")
    for name in [name for name in sys.modules if name.startswith("raysweeps_experiment_")]:
        del sys.modules[name]
    code, _, err = sweep("resume", "--here")
    assert code == 2
    assert err == (
        "error: not all is as it was when the sweep ran last:\n"
        '  space.x: then {"uniform": [0, 1]}, now {"uniform": [0, 2]}\n'
        "Undo it, or accept it with --yes (in Python: accept_changes=True); trials that have begun keep their "
        "configurations.\n"
    )
    assert ledger.read_bytes() == before


TREES = '''"""Which forest fits a table?"""

from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import random_forest

experiment = Experiment(
    trainable=random_forest,
    space={
        "dataset": "table_file", "path": "table.csv", "target": "y", "n_estimators": 3, "folds": 3,
        "max_features": tune.uniform(0.2, 1.0),
    },
    metric="val_loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=2,
    epochs=3,
)
'''


def test_a_sweep_does_not_go_on_with_other_data(place: Path, sweep: Sweep) -> None:
    """Data that have changed are refused before anything starts, and no trial is lost: put back, the sweep goes on."""
    table = place / "table.csv"
    rows = "x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(60))
    table.write_text(rows)
    (place / "trees.py").write_text(TREES)
    here = ("--here", "--data-dir", str(place))
    assert sweep("run", "trees.py", *here, "--keep", "all")[0] == 0  # a killed driver's checkpoints are all there
    ledger = place / "results" / "trees" / LEDGER
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-3]))  # after the first epoch of the second trial
    before = ledger.read_bytes()
    table.write_text(rows + "9,9\n")
    code, _, err = sweep("resume", *here)
    assert code == 2
    assert "was trained on other data: their files have changed since this trial began" in err
    assert ledger.read_bytes() == before
    table.write_text(rows)
    assert sweep("resume", *here)[0] == 0
    assert [trial.epochs for trial in open_sweep("results/trees").trials] == [3, 3]


def test_overrides_are_remembered(place: Path, sweep: Sweep) -> None:
    """A resumed sweep asks what the command line asked when it began."""
    path = write(place, old='space={"x"', new='space={"seed": tune.randint(0, 99), "x"')
    assert sweep("run", path, "--here", "--set", "x=0.25", "--trials", "3", "--search", "hyperopt")[0] == 0
    interrupt_at(place, 9)
    assert sweep("resume", "--here")[0] == 0
    trials = open_sweep("results/mine").trials
    assert len(trials) == 3 and {trial.config["x"] for trial in trials} == {0.25}


def test_a_sweep_in_use_is_left_alone(place: Path, sweep: Sweep) -> None:
    """A second driver ends with 3 and names the first; looking at it still works."""
    sweep("run", write(place), "--here")
    interrupt_at(place, 9)
    lease = Lease(place / "results" / "mine")
    lease.take()
    try:
        code, _, err = sweep("resume", "--here")
        assert code == 3 and f"is being written by process {os.getpid()} on " in err
        assert sweep("trials")[0] == 0
    finally:
        lease.release()


@pytest.mark.parametrize("command", [["trials"], ["best"], ["resume", "--here"]])
def test_a_damaged_ledger_ends_with_3(place: Path, sweep: Sweep, command: list[str]) -> None:
    """With file, line and what to do; no traceback."""
    sweep("run", write(place), "--here")
    ledger = place / "results" / "mine" / LEDGER
    ledger.write_bytes(ledger.read_bytes().replace(b'"epoch":1', b'"epoch":7', 1))
    code, out, err = sweep(*command)
    assert (code, out) == (3, "") and f"{LEDGER}, line 5: its checksum does not match" in err


def test_a_full_disk_ends_with_3(place: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first record and in the middle; what was written stays, and `resume` goes on."""
    path = write(place)
    append, calls = LedgerWriter.append, []

    def full(self: LedgerWriter, records: Any) -> Any:
        calls.append(records)
        if len(calls) in (1, 8):
            raise OSError(28, "No space left on device", "ledger.jsonl")
        return append(self, records)

    monkeypatch.setattr(LedgerWriter, "append", full)
    code, _, err = sweep("run", path, "--here", "--name", "first")
    assert code == 3 and err.startswith("error: No space left on device (ledger.jsonl).") and "Traceback" not in err
    code, out, _ = sweep("run", path, "--here")
    assert code == 3 and "No space left on device" in out and "go on with: sweep resume" in out
    assert sweep("resume", "mine", "--here")[0] == 0
    assert {trial.ending for trial in open_sweep("results/mine").trials} == {"completed"}


def test_it_works_uninstalled(place: Path) -> None:
    """`python -m experiments` in a copy of the three packages, without PYTHONPATH."""
    for package in ("experiments", "trainables", "search_spaces"):
        shutil.copytree(ROOT / package, place / "copy" / package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    say = "import experiments, sys; print(experiments.__file__)"
    for arguments in (["-c", say], ["-m", "experiments", "show", "digits_mlp", "--here", "--json"]):
        shown = subprocess.run(
            [sys.executable, *arguments],
            cwd=place / "copy",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        assert "copy" in shown.stdout or json.loads(shown.stdout)["num_trials"] == 64
