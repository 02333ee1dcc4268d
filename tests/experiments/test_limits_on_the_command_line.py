"""Limits as a user meets them: `sweep run`, `resume` and `show`, exit codes and what is said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.records import DriverStarted

pytestmark = pytest.mark.usefixtures("fresh_imports")

FILE = '''"""What is x?"""

from ray import tune

from experiments import FIFO, Experiment, Random
from tests.experiments.conftest import trainable

experiment = Experiment(
    trainable=trainable(),
    space={"x": tune.uniform(0.0, 1.0)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=6,
    epochs=3,
    target=1.4,
)
'''


@pytest.fixture
def sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in an empty folder that has an experiment with a target; exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_a_sweep_ends_by_its_target_and_is_extended(sweep: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 0 each time; what the newest resume was given holds for the next, and none takes the limit away."""
    code, out, _ = sweep("run", "mine.py", "--here")
    assert code == 0, out
    assert "mine ended early (target): the target of 1.4 was reached by trial" in out
    assert "extend it with: sweep resume results/mine --target VALUE   (none takes the limit away)" in out
    first = len(open_sweep().trials)
    before = (Path("results/mine") / LEDGER).read_bytes()
    code, out, _ = sweep("resume", "--here")
    assert code == 0 and "mine has ended: the target of 1.4 was reached by trial" in out and "extend it with:" in out
    assert (Path("results/mine") / LEDGER).read_bytes() == before
    code, out, _ = sweep("resume", "--here", "--target", "0.9")
    assert code == 0 and "ended early (target): the target of 0.9 was reached by trial" in out
    assert len(open_sweep().trials) >= first
    assert "the target of 0.9 was reached" in sweep("resume", "--here")[1]
    code, out, _ = sweep("resume", "--here", "--target", "none", "--patience-trials", "90")
    assert code == 0 and "ended early" not in out
    ended = open_sweep()
    assert len(ended.trials) == 6 and {trial.ending for trial in ended.trials} == {"completed"}
    drivers = [e.record.limits for e in read(Path("results/mine") / LEDGER) if isinstance(e.record, DriverStarted)]
    assert drivers == [None, {"target": 0.9}, {"target": "none", "patience_trials": 90}]


def test_a_trial_that_was_drained_is_success_enough(sweep: Callable[..., tuple[int, str, str]]) -> None:
    """The first epoch of the first trial may reach the target; the sweep has a best trial then."""
    code, out, _ = sweep("run", "mine.py", "--here", "--target", "3")
    assert code == 0 and "the target of 3 was reached by trial 0" in out and "best: trial 0 with loss" in out


def test_no_improvement_ends_a_sweep(sweep: Callable[..., tuple[int, str, str]]) -> None:
    """With exit code 0, and the option that extends it."""
    code, out, _ = sweep("run", "mine.py", "--here", "--target", "none", "--patience-trials", "1", "--trials", "40")
    assert code == 0 and "ended early (no improvement): 1 trial ended without a better loss than trial" in out
    assert "extend it with: sweep resume results/mine --patience-trials N" in out
    assert len(open_sweep().trials) < 40


def test_where_nothing_succeeded_a_limit_is_no_success(sweep: Callable[..., tuple[int, str, str]]) -> None:
    """All trials diverge: exit code 1."""
    mine = Path("mine.py")
    mine.write_text(
        FILE.replace("trainable=trainable()", "trainable=trainable(lambda c, k: iter([{'epoch': 1, 'loss': 1e999}]))")
    )
    code, out, _ = sweep("run", "mine.py", "--here", "--patience-trials", "2")
    assert code == 1 and "2 trials ended without a loss" in out


def test_fewer_trials_than_asked_for_are_explained(sweep: Callable[..., tuple[int, str, str]]) -> None:
    """A space with three configurations: a line while it runs, and in the ledger for ever."""
    mine = Path("mine.py")
    mine.write_text(FILE.replace("tune.uniform(0.0, 1.0)", "tune.choice([0.1, 0.2, 0.3])"))
    code, out, _ = sweep("run", "mine.py", "--here", "--target", "none", "--trials", "7")
    said = "Random has no other configuration to propose after 3 of 7 trials"
    assert code == 0 and out.count(said) == 1
    assert len(open_sweep().trials) == 3
    end = open_sweep().history.end
    assert end is not None and (end.reason, end.why) == ("finished", said)


def test_show_tells_the_limits_in_words(sweep: Callable[..., tuple[int, str, str]]) -> None:
    """Both, in the metric's own name."""
    _, out, _ = sweep("show", "mine.py", "--here", "--patience-trials", "5")
    assert "limits     ends early when a trial reaches loss 1.4 or lower" in out
    assert "ends early when 5 trials have ended without a better loss than the best before" in out


@pytest.mark.parametrize("command", [["run", "mine.py", "--here"], ["resume", "--here"]])
def test_a_bad_limit_on_the_command_line(sweep: Callable[..., tuple[int, str, str]], command: list[str]) -> None:
    """Exit code 2, and the same sentence as in Python."""
    if command[0] == "resume":
        sweep("run", "mine.py", "--here")
    code, _, err = sweep(*command, "--target", "low", "--patience-trials", "-1")
    assert code == 2
    assert "target must be a finite number, a value of loss at which the sweep ends, got 'low'." in err
    assert "patience_trials must be a whole number of at least 1, got -1." in err
