"""Confirmations in which runs fail, checkpoints are lost, files have changed, or there is nothing to measure."""

import shutil

import pytest

from tests.experiments.confirmable import Workplace

SMALL = ("--top", "2", "--seeds", "3")
CONFIRMING = '(HERE / "results/mine/confirm-1").exists()'


def failing(x: float, how: str, seeds: int = 1) -> tuple[str, str]:
    """Runs of a configuration that fail in the second epoch, on so many seeds of a confirmation."""
    begun = f'(HERE / "witness").read_text().count(f" {x} 1\\\\n") - 2 < {seeds}'
    return "pass  # TRAINING", f"if epoch == 2 and config.x == {x} and {CONFIRMING} and {begun}: {how}".replace(
        "\\\\", "\\"
    )


RAISES = 'raise ValueError("no")'
DIVERGES = 'yield {"epoch": epoch, name: math.nan, "budget": 0}'


@pytest.mark.parametrize("how", [RAISES, DIVERGES])
def test_a_seed_that_fails_is_said_and_not_measured(workplace: Workplace, how: str) -> None:
    """The others stand for the configuration; who has fewer failures is the best."""
    workplace.run(failing(0.1, how))
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 0
    answer = workplace.answer()
    configurations = {each["label"]: each for each in answer["configurations"]}
    values = configurations["trial 1"]["values"]
    assert values[0] is None and None not in values[1:] and configurations["trial 1"]["failed"] == 1
    assert len(configurations["trial 1"]["epochs"]) == 2, "a failed run has no best epoch to speak of"
    assert sum(words[0] == "test" for words in workplace.new()) == 8
    assert answer["winner"] == "trial 3" and answer["answer"].startswith("trial 1 promised 0.1")
    assert "confirmed 1.1" in answer["answer"] and "(1 of 3 runs failed); " in answer["answer"]
    assert "trial 3, which is now first" in answer["answer"] and "1 of 3 failed" in out
    assert "note: trial 1: 1 of 3 seeds failed" in out


def test_a_configuration_of_which_every_run_fails(workplace: Workplace) -> None:
    """The search's winner was a fluke: it is said, the others are judged."""
    workplace.run(failing(0.1, RAISES, seeds=9))
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 0
    answer = workplace.answer()
    assert (
        answer["winner"] == "trial 3" and answer["verdict"] == "behind" and answer["gain_over_defaults"]["mean"] is None
    )
    told = "trial 1 promised 0.10, but every run of it failed; trial 3 is now first, with 1."
    assert answer["answer"].startswith(told.replace("0.10", answer["answer"].split()[3][:-1]))
    assert "3 of 3 failed" in out


@pytest.mark.parametrize("how", [RAISES, DIVERGES])
def test_every_run_of_every_configuration_fails(workplace: Workplace, how: str) -> None:
    """That is an answer too, with exit code 1, and no use of the test split; `--again` is possible."""
    everything = f"if {CONFIRMING}: {how}"
    workplace.run(("pass  # TRAINING", everything))
    code, out, _ = workplace("confirm", *SMALL)
    if how == RAISES:
        assert code == 1 and "(failed): the first 3 trials all ended with: ValueError: no" in out
    answer = workplace.answer(code=1)
    assert answer["winner"] is None and answer["verdict"] is None and answer["looks"] == 0
    assert answer["answer"].endswith("but every run of every configuration failed.")
    code, out, _ = workplace("confirm", "--refit")
    assert code == 1 and "every run of every configuration failed" in out and "The test split" not in out
    assert workplace("best")[0] == 0
    workplace.write()
    assert workplace.answer("--again", *SMALL)["winner"] == "trial 1"


def test_a_score_that_is_no_number_counts_as_a_failed_run(workplace: Workplace) -> None:
    """It was measured, and is not measured again; JSON has no NaN."""
    odd = 'if config.x == 0.9: witness("test"); return {"test_loss": math.nan, "test_accuracy": math.inf}'
    workplace.run(("pass  # TESTING", odd))
    answer = workplace.answer(*SMALL)
    defaults = answer["configurations"][-1]
    assert (defaults["label"], defaults["failed"], defaults["mean"]) == ("defaults", 3, None)
    assert defaults["others"] == {} and defaults["validation"] > 0.9 and answer["winner"] == "trial 1"
    assert (
        answer["answer"].endswith("; every run of the defaults failed.")
        and answer["gain_over_defaults"]["mean"] is None
    )
    assert sum(words[0] == "test" for words in workplace.new()) == 9 and workplace.answer() == answer


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_a_checkpoint_that_is_lost_counts_as_a_failed_run(workplace: Workplace, how: str) -> None:
    """Its best epoch cannot be measured any more: said, with the others measured."""
    folder = "results/mine/confirm-1/trials/0000/segment-001"
    lost = f"import shutil; [shutil.rmtree(each) for each in (HERE / '{folder}').glob('*')]"
    harm = f"[each.write_bytes(b'no') for each in (HERE / '{folder}').glob('*/checkpoint.json')]"
    last = "config.x == 0.9 and epoch == 3 and"
    workplace.run(("pass  # TRAINING", f"if {last} {CONFIRMING}: {lost if how == 'gone' else harm}"))
    answer = workplace.answer(*SMALL)
    configurations = {each["label"]: each for each in answer["configurations"]}
    assert configurations["trial 1"]["values"][0] is None and answer["looks"] == 1
    assert sum(words[0] == "test" for words in workplace.new()) == 8
    told = "trial 1 on seed 1 of 3: no checkpoint of its best epoch is left, so the run counts as failed"
    assert told in answer["notes"]


def test_a_leader_that_was_stopped_early_is_trained_in_full(workplace: Workplace) -> None:
    """ASHA had stopped it; the confirmation has no scheduler."""
    asha = ("scheduler=FIFO()", "scheduler=ASHA(grace_epochs=1, reduction_factor=2)")
    workplace.run(asha)
    stopped = {trial.config["x"] for trial in workplace.sweep().trials if trial.ending == "stopped"}
    assert stopped
    workplace.answer("--top", "4", "--seeds", "2")
    epochs = {words[3]: 0 for words in workplace.new() if words[0] == "train"}
    assert set(epochs) == {"0.1", "0.2", "0.3", "0.4", "0.9"}
    assert {trial.epochs for trial in workplace.sweep("mine/confirm-1").trials} == {3}
    assert {trial.ending for trial in workplace.sweep("mine/confirm-1").trials} == {"completed"}


def test_without_a_test_it_is_compared_on_fresh_validation_splits(workplace: Workplace) -> None:
    """Said in the heading and in a note; no use of the test split is recorded, for there is none."""
    workplace.run(("        test=test,\n", ""))
    code, out, _ = workplace("confirm", *SMALL)
    answer = workplace.answer()
    assert code == 0 and (answer["on"], answer["metric"], answer["looks"]) == ("validation", "val_loss", 0)
    assert "mine: val_loss anew, 3 fresh seeds, 95 % intervals" in out
    told = "made_up has no test part: give its Trainable a `test=` (docs/trainables.md says how). The configurations "
    assert f"note: {told}are compared by val_loss, on fresh validation splits." in out
    assert "The test split" not in out and not workplace.sweep().history.looks
    for each in answer["configurations"]:
        assert each["mean"] == pytest.approx(each["validation"])
    assert -0.01 < answer["configurations"][0]["selection_gap"] < 0.01
    shutil.rmtree(workplace.folder / "results/mine/confirm-1")
    assert workplace.answer(*SMALL)["number"] == 1, "nothing was used up"


def test_a_metric_without_a_counterpart(workplace: Workplace) -> None:
    """The training loss is compared as it is."""
    other = ('"budget": config.epochs}', '"budget": config.epochs, "train_loss": loss(config, epoch)}')
    workplace.run(other, ('metric="val_loss"', 'metric="train_loss"'))
    answer = workplace.answer(*SMALL)
    assert answer["on"] == "validation" and answer["notes"][0] == (
        "made_up measures no counterpart of train_loss on the test split. The configurations are compared by "
        "train_loss, on fresh validation splits."
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('metric="val_loss"', 'metric="train_loss"', 'metric has changed since the sweep began: "val_loss" then'),
        ('name="made_up"', 'name="other"', 'trainable has changed since the sweep began: "made_up" then, "other" now'),
    ],
)
def test_another_question_is_refused(workplace: Workplace, old: str, new: str, told: str) -> None:
    """The experiment's file asks something else today; nothing is written."""
    workplace.run()
    workplace.write((old, new))
    code, out, err = workplace("confirm", *SMALL)
    assert (code, out) == (2, "") and told in err and "Undo the change" in err
    assert not (workplace.folder / "results/mine/confirm-1").exists()


def test_a_wider_space_is_no_other_question(workplace: Workplace) -> None:
    """Ranges, trials and epochs of today's file are for the next search: this one is confirmed as it was."""
    workplace.run()
    workplace.write(
        ("[0.4, 0.1, 0.3, 0.2]", "[0.0, 9.0]"), ("num_trials=4,\n    epochs=3", "num_trials=2,\n    epochs=9")
    )
    assert workplace.answer(*SMALL)["winner"] == "trial 1"
    assert {trial.epochs for trial in workplace.sweep("mine/confirm-1").trials} == {3}


def test_an_experiment_whose_file_is_gone(workplace: Workplace) -> None:
    """What was found is shown; what would have to be trained is refused with where the file was."""
    workplace.run()
    (workplace.folder / "mine.py").rename(workplace.folder / "moved.txt")
    code, _, err = workplace("confirm", *SMALL)
    assert code == 2 and "mine.py: there is no such file" in err
    (workplace.folder / "moved.txt").rename(workplace.folder / "mine.py")
    answer = workplace.answer(*SMALL)
    (workplace.folder / "mine.py").unlink()
    assert workplace.answer() == answer


def test_a_configuration_that_is_no_longer_taken_is_refused(workplace: Workplace) -> None:
    """The trainable's configuration has changed: told in its words, before anything is trained."""
    workplace.run()
    workplace.write(("x: float = 0.9", "x: float = Field(default=0.9, ge=0.15)"), ("[0.4, 0.1, 0.3, 0.2]", "[0.3]"))
    code, _, err = workplace("confirm", *SMALL)
    assert code == 2 and err.startswith("error: made_up: 'x' is 0.1; it should be greater than or equal to 0.15")


def test_what_the_command_line_changed_is_confirmed_as_it_was(workplace: Workplace) -> None:
    """Pins, budget and number of trials of the search, and its data folder."""
    (workplace.folder / "data").mkdir()
    said = "witness(os.environ['RAYSWEEPS_DATA'], budget := config.epochs)"
    workplace.run(
        ("# FIELDS", "pinned: int = 0"),
        ("pass  # TRAINING", said),
        ("pass  # TESTING", said),
        options=("--set", "pinned=5", "--epochs", "2", "--trials", "3", "--data-dir", "data"),
    )
    answer = workplace.answer(*SMALL)
    assert {each["config"]["pinned"] for each in answer["configurations"]} == {5}
    lines = {words for words in workplace.new() if len(words) == 2}
    assert lines == {(str((workplace.folder / "data").resolve()), "2")}


def test_seeds_that_were_pinned_or_searched_are_drawn_anew(workplace: Workplace) -> None:
    """A pinned split stays: it is part of the question."""
    workplace.run(options=("--set", "seed=3", "--set", "split_seed=4"))
    workplace.answer(*SMALL)
    done = workplace.new()
    assert len({words[1] for words in done}) == 3 and "3" not in {words[1] for words in done}
    assert {words[2] for words in done} == {"4"}


def test_a_searched_budget_is_confirmed_as_it_was(workplace: Workplace) -> None:
    """Each configuration with its own, the defaults with that of the whole search."""
    workplace.run(('"x": tune.grid_search([0.4, 0.1, 0.3, 0.2])', '"epochs": tune.grid_search([2, 3])'))
    answer = workplace.answer(*SMALL)
    assert {each["label"]: each["config"]["epochs"] for each in answer["configurations"]}["trial 0"] == 2
    assert answer["notes"][0] == "The trainable's defaults are the configuration of trial 1."


def test_data_that_have_changed_are_refused(workplace: Workplace) -> None:
    """What the search had promised, it had promised on other data: before anything, and before it goes on."""
    content = (
        "        refit=refit,\n",
        '        refit=refit,\n        content=lambda config: (HERE / "data.txt").read_text(),\n',
    )
    data = workplace.folder / "data.txt"
    data.write_text("a")
    stop = f'if {CONFIRMING} and (HERE / "now").exists(): (HERE / "now").unlink(); os.kill(os.getpid(), 15)'
    workplace.run(content, ("pass  # TRAINING", stop))
    data.write_text("b")
    code, _, err = workplace("confirm", *SMALL)
    assert code == 2 and "was trained on other data: their files have changed since this trial began" in err
    assert not (workplace.folder / "results/mine/confirm-1").exists()
    data.write_text("a")
    (workplace.folder / "now").touch()
    assert workplace("confirm", *SMALL)[0] == 130
    data.write_text("b")
    code, _, err = workplace("confirm")
    assert code == 2 and "was trained on other data" in err
    data.write_text("a")
    assert workplace("confirm")[0] == 0
