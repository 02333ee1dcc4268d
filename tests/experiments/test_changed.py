"""F28 and B34: what has changed between run and resume is shown and asked about once, or refused."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from experiments import ASHA, BayesOpt, Grid, HyperBand, HyperOpt, InputError, MedianStopping, Random, open_sweep
from experiments._sweep.command_line import asking
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.start import state
from experiments._sweep.start.code_digest import code_digest
from tests.experiments.conftest import Driven, experiment
from tests.experiments.resumable import Place
from tests.experiments.test_conductor import report

WIDER = ("tune.uniform(0, 1)", "tune.uniform(2, 3)")
FIXED = [
    ('metric="loss"', 'metric="other"', 'metric has changed since the sweep began: "loss" then, "other" now'),
    ('mode="min"', 'mode="max"', 'mode has changed since the sweep began: "min" then, "max" now'),
    ("epochs=3", "epochs=5", "epochs has changed since the sweep began: 3 then, 5 now"),
    ("FIFO()", "ASHA()", 'scheduler.name has changed since the sweep began: "FIFO" then, "ASHA" now'),
    ("epochs=3,", "epochs=3,\n    seed=7,", "seed has changed since the sweep began: 0 then, 7 now"),
]
ASKED = [
    (WIDER, 'space.x: then {"uniform": [0, 1]}, now {"uniform": [2, 3]}'),
    (("uniform(0, 1)", "choice([0.5, 1.5])"), 'space.x: then {"uniform": [0, 1]}, now {"choice": [[0.5, 1.5]]}'),
    (("Random()", "HyperOpt()"), 'search.name: then "Random", now "HyperOpt"'),
    (("epochs=3,", "epochs=3, cpus_per_trial=0.5,"), "cpus_per_trial: then 1, now 0.5"),
    (("epochs=3,", 'epochs=3, require=lambda c: c["x"] > 0.1,'), "require: then nothing, now \"lambda c: c['x'] > 0.1"),
    (("epochs=3,", 'epochs=3, start_points=[{"x": 0.5}],'), 'start_points: then [], now [{"x": 0.5}]'),
    (('name="made_up"', 'name="other"'), 'trainable: then "made_up", now "other"'),
    (("config.x + 1 / epoch", "config.x + 2 / epoch"), "code of the trainable: mine.py changed"),
]


@pytest.mark.parametrize(("change", "line"), ASKED, ids=[line.partition(":")[0] for _, line in ASKED])
def test_f28_a_change_is_shown_and_nothing_is_written_until_it_is_accepted(
    resumable: Place, change: tuple[str, str], line: str
) -> None:
    """Exit code 2 with then and now; with --yes the sweep goes on, and it is never asked again."""
    resumable.run()
    resumable.cut(8)
    before = resumable.ledger.read_bytes()
    resumable.write(change)
    code, _, err = resumable.sweep("resume", "mine", "--here")
    assert code == 2 and line.replace("'", '\\"' if "lambda" in line else "'") in err and "--yes" in err
    assert resumable.ledger.read_bytes() == before
    code, out, err = resumable.sweep("resume", "mine", "--here", "--yes")
    assert code == 0 and line[:20] in out, out + err
    resumable.cut(len(resumable.ledger.read_bytes().splitlines()) - 2)
    code, out, err = resumable.sweep("resume", "mine", "--here")
    assert code == 0 and "changed since" not in out, out + err
    assert len(open_sweep().trials) == 4


@pytest.mark.parametrize(("old", "new", "told"), FIXED, ids=[told.partition(" ")[0] for *_, told in FIXED])
def test_b34_what_makes_trials_comparable_cannot_change(resumable: Place, old: str, new: str, told: str) -> None:
    """Refused, with and without --yes, and with the way to learn from the trials nevertheless."""
    resumable.run()
    resumable.cut(8)
    before = resumable.ledger.read_bytes()
    other = ("+ 1 / epoch}", '+ 1 / epoch, "other": 0}'), ('{"loss": "falls"}', '{"loss": "falls", "other": "flat"}')
    resumable.write((old, new), *(other if "metric" in told else ()))
    code, _, err = resumable.sweep("resume", "mine", "--here", "--yes")
    assert code == 2 and told in err and f"--learn-from {resumable.ledger.parent}" in err
    assert resumable.ledger.read_bytes() == before


def test_f28_docstrings_comments_layout_and_limits_are_no_changes(resumable: Place) -> None:
    """Neither is the experiment itself a part of the code: the record has it field by field."""
    resumable.run()
    resumable.cut(8)
    resumable.write(
        ("What is x?", "What is x, in truth?"),
        (
            "    saved = checkpoints.newest()\n",
            '    """Train."""\n\n    # the newest\n    saved = (checkpoints.newest())\n',
        ),
        ("num_trials=4", "num_trials=5,\n    target=0.001"),
    )
    code, out, err = resumable.sweep("resume", "mine", "--here")
    assert code == 0 and "changed" not in out, out + err
    assert len(open_sweep().trials) == 5 and open_sweep().history.asks["target"] == 0.001


def test_f28_a_module_beside_the_file_is_code_as_well(resumable: Place) -> None:
    """Also where it is imported within a function; one that is new or gone is named, one that is not used is not."""
    folder = resumable.folder
    (folder / "nets").mkdir()
    (folder / "nets" / "deep.py").write_text("from nets import wide\n")
    (folder / "nets" / "wide.py").write_text("width = 1\n")
    (folder / "unused.py").write_text("a = 1\n")
    within = ("    saved = checkpoints", "    from nets.deep import wide\n\n    saved = checkpoints")
    resumable.write(within)
    resumable.run("--trials", "1")
    assert sorted(open_sweep().history.code or {}) == ["mine.py", "nets/deep.py", "nets/wide.py"]
    (folder / "nets" / "wide.py").write_text("width = 2\n")
    (folder / "nets" / "deep.py").write_text("from nets import wide, tall\n")
    (folder / "nets" / "tall.py").write_text("")
    (folder / "unused.py").write_text("a = 2\n")
    code, _, err = resumable.sweep("resume", "mine", "--here", "--trials", "+1")
    assert code == 2
    assert "code of the trainable: nets/deep.py changed, nets/wide.py changed, nets/tall.py new\n" in err


def test_f27_another_version_is_shown_and_asked_about_once(resumable: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Python or of a package; accepted, it is what the sweep runs with from then on."""
    resumable.run()
    ran_with = state.versions()
    monkeypatch.setattr(state, "versions", lambda: {**ran_with, "torch": "9.9", "python": "3.99.0"})
    code, _, err = resumable.sweep("resume", "mine", "--here", "--trials", "+1")
    assert code == 2 and f"  torch: then {ran_with['torch']}, now 9.9\n" in err and ", now 3.99.0\n" in err
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+1", "--yes")[0] == 0
    assert open_sweep().history.versions["torch"] == "9.9"
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+1")[0] == 0


def test_f28_in_python_the_change_is_an_argument(resumable: Place) -> None:
    """`resume_if_exists` alone raises with the difference; `accept_changes` goes on."""
    asked: dict[str, Any] = {"name": "mine", "here": True, "quiet": True, "resume_if_exists": True}
    assert len(experiment(num_trials=2).run(**asked).trials) == 2
    changed = experiment(num_trials=3, space={"x": tune.uniform(2.0, 3.0)})
    with pytest.raises(InputError, match=r"(?s)space\.x: then .* now .*accept_changes=True"):
        changed.run(**asked)
    sweep = changed.run(**asked, accept_changes=True)
    assert len(sweep.trials) == 3 and 2 <= sweep.trials[-1].config["x"] <= 3
    assert resumable.ledger.is_file()


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False)])
def test_f28_on_a_terminal_it_is_asked(
    resumable: Place, monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool
) -> None:
    """Anything but yes leaves everything as it is."""
    resumable.run()
    before = resumable.ledger.read_bytes()
    resumable.write(WIDER)
    monkeypatch.setattr(asking, "_answered", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    code, _, err = resumable.sweep("resume", "mine", "--here", "--trials", "+1")
    assert "space.x: then" in err and "Go on with these changes? [y/N]" in err
    assert code == (0 if goes_on else 2)
    assert (resumable.ledger.read_bytes() == before) != goes_on


def test_f28_a_real_terminal_is_known_as_one(resumable: Place) -> None:
    """Through a pseudo-terminal, with the command itself."""
    resumable.run("--trials", "1")
    resumable.write(WIDER)
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).parent / "sweep"), "resume", "mine", "--here", "--trials", "+1"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"y\n")
        out, _ = process.communicate(timeout=50)
    os.close(ours)
    assert process.returncode == 0 and "2 trials" in out and len(open_sweep().trials) == 2


def test_a_pin_that_was_changed_holds_for_the_next_resume(resumable: Place) -> None:
    """What the command line changed is recorded with the driver, limits apart."""
    again = ("run", "mine.py", "--here", "--resume-if-exists", "--yes")
    assert resumable.sweep(*again, "--set", "y=1")[0] == 0
    assert resumable.sweep(*again, "--set", "y=2", "--trials", "5")[0] == 0
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+1")[0] == 0
    assert [trial.config["y"] for trial in open_sweep().trials] == [1, 1, 1, 1, 2, 2]
    assert [driver.overrides for driver in resumable.drivers] == [None, {"set": {"y": 2}}, None]


SEARCHERS = [Random(), HyperOpt(n_initial_points=3), BayesOpt(n_initial_points=3), Grid(points=5)]
SCHEDULERS = [ASHA(), HyperBand(), MedianStopping()]


@pytest.mark.parametrize("search", SEARCHERS, ids=lambda search: type(search).__name__)
@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda scheduler: type(scheduler).__name__)
def test_f28_trials_that_the_new_space_does_not_have_harm_no_searcher(drive: Any, search: Any, scheduler: Any) -> None:
    """They finish with their own configurations; new ones come from the new space, whatever is compared with them."""
    options = {"search": search, "scheduler": scheduler, "epochs": 9}
    narrow = experiment(num_trials=8, **options)
    first: Driven = drive(narrow, "first")
    for step in range(16):  # two trials are begun at a time, so that some are running or held when it is cut
        segment = first.conductor.next_segment()
        if isinstance(segment, Segment):
            known = len(first.journal.history.trials[segment.trial].epochs)
            report(first.conductor, segment, known + 1, segment.config["x"] + step % 3)
    before = {number: trial.config for number, trial in first.journal.history.trials.items()}
    other = experiment(num_trials=16, space={"x": tune.uniform(2.0, 3.0)}, **options)
    second: Driven = drive(other, "second", b"".join(first.lines()))
    while isinstance(segment := second.conductor.next_segment(), Segment):
        epoch = len(second.journal.history.trials[segment.trial].epochs) + 1
        while report(second.conductor, segment, epoch, segment.config["x"] + 1 / epoch):
            epoch += 1
    trials = second.journal.history.trials
    assert len(trials) == 16 or isinstance(search, Grid)
    assert all(trial.ended for trial in trials.values())
    assert {number: trials[number].config for number in before} == before
    assert all(2 <= trial.config["x"] <= 3 for number, trial in trials.items() if number not in before)


def test_f28_the_code_of_a_shipped_trainable_is_told_at_once() -> None:
    """Each file of `trainables`, by a short name, in less than 50 ms, and without torch."""
    script = (
        "import sys, time\nfrom experiments.digits_mlp import experiment\n"
        "from experiments._sweep.start.code_digest import code_digest\nbest = 9.0\nfor _ in range(5):\n"
        "    began = time.perf_counter()\n    found = code_digest(experiment.trainable)\n"
        "    best = min(best, time.perf_counter() - began)\n"
        "assert 'trainables/models/mlp.py' in found and not any(name.startswith('/') for name in found)\n"
        "assert 'torch' not in sys.modules\nprint(best)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(said.stdout) < 0.05


def test_f28_a_function_without_a_file_has_no_code() -> None:
    """One typed into an interpreter: nothing is known of it, and nothing is asked."""
    defined: dict[str, Any] = {}
    exec("def train(config): pass", defined)  # noqa: S102 - as an interpreter does
    assert code_digest(defined["train"]) == {}
