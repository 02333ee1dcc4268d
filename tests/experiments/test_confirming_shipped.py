"""The shipped trainables, searched and confirmed: forests, tables without a test part, optimizers as branches."""

from tests.experiments.confirmable import Workplace
from trainables import image_classifier

SMALL = ("--top", "2", "--seeds", "2")


def write(workplace: Workplace, trainable: str, space: str, **changes: str) -> None:
    """Write an experiment of a shipped trainable and search."""
    asked = {"metric": '"val_loss"', "mode": '"min"', "num_trials": "3", "epochs": "2", **changes}
    fields = ", ".join(f"{name}={value}" for name, value in asked.items())
    (workplace.folder / "mine.py").write_text(
        f'"""Which one?"""\nfrom ray import tune\nfrom experiments import FIFO, Experiment, Random\n'
        f"from search_spaces import optimizers\nfrom trainables import {trainable}\n\n"
        f"experiment = Experiment(trainable={trainable}, space={space}, search=Random(), scheduler=FIFO(), {fields})\n"
    )
    code, out, err = workplace("run", "mine.py")
    assert code == 0, out + err


def test_a_forest(workplace: Workplace) -> None:
    """Each fold is an epoch, and the last one counts: forests of all folds are measured, and refitted."""
    space = '{"dataset": "wine", "n_estimators": tune.choice([3, 5]), "folds": 3}'
    write(workplace, "random_forest", space, epochs="3")
    answer = workplace.answer(*SMALL, "--refit")
    assert (answer["on"], answer["metric"]) == ("test", "test_loss")
    assert {epoch for each in answer["configurations"] for epoch in each["epochs"]} == {3}
    assert 0.8 < answer["configurations"][0]["others"]["test_accuracy"] <= 1
    assert answer["refit"]["checkpoint"] is not None
    confirmed = workplace.sweep("mine/confirm-1")
    assert confirmed.history.sweep.asks["counts"] == "last" and {t.epochs for t in confirmed.trials} == {3}


def test_a_table_without_a_test_part(workplace: Workplace) -> None:
    """It is compared on fresh validation splits, and this is said in the trainable's words."""
    space = '{"dataset": "wine", "test_fraction": 0.0, "lr": tune.loguniform(0.001, 0.1)}'
    write(workplace, "tabular_mlp", space)
    code, out, _ = workplace("confirm", *SMALL)
    answer = workplace.answer()
    assert code == 0 and (answer["on"], answer["metric"], answer["looks"]) == ("validation", "val_loss", 0)
    assert "test_fraction is 0" in answer["notes"][0]
    assert answer["notes"][0].endswith(" The configurations are compared by val_loss, on fresh validation splits.")
    assert answer["splits"] is True
    assert "mine: val_loss anew, 2 fresh seeds, 95 % intervals" in out
    assert len({trial.config["split_seed"] for trial in workplace.sweep("mine/confirm-1").trials}) == 2


def test_folds_in_the_order_of_the_file(workplace: Workplace) -> None:
    """No seed changes them: only the trees are drawn anew, and nothing is said of fresh splits."""
    space = '{"dataset": "diabetes", "n_estimators": tune.randint(2, 9), "shuffle": False, "test_fraction": 0.0}'
    write(workplace, "random_forest", space, epochs="5")
    answer = workplace.answer(*SMALL)
    assert (answer["on"], answer["metric"], answer["splits"]) == ("validation", "val_loss", False)
    assert answer["notes"][0].endswith(" The configurations are compared by val_loss, as the search has measured it.")
    trials = workplace.sweep("mine/confirm-1").trials
    assert not any("split_seed" in trial.config for trial in trials)
    assert len({trial.config["seed"] for trial in trials}) == 2


def test_an_optimizer_as_branches(workplace: Workplace) -> None:
    """The defaults have the trainable's own optimizer, with its own settings."""
    space = '{"dataset": "digits", "model": "mlp", "hidden_units": 8, **optimizers.branched()}'
    write(workplace, "image_classifier", space, num_trials="2", epochs="1")
    answer = workplace.answer(*SMALL)
    configurations = {each["label"]: each["config"] for each in answer["configurations"]}
    own = image_classifier.config_type(dataset="digits").model_dump(mode="json")
    assert configurations["defaults"]["optimizer"] == own["optimizer"]
    assert configurations["defaults"]["hidden_units"] == 8 and configurations["defaults"]["epochs"] == 1
    seeds: dict[str, list[tuple[int, int]]] = {label: [] for label in configurations}
    for trial in workplace.sweep("mine/confirm-1").history.trials.values():
        seeds[trial.origin.partition(" on ")[0]].append((trial.config["seed"], trial.config["split_seed"]))
    assert len({str(each) for each in seeds.values()}) == 1
