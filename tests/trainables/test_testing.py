"""The test part is measured as anybody would by hand, with the network and the preparation of the checkpoint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from torch import nn

import trainables as parts
from tests.trainables.images import write_images
from trainables import CheckpointFolder, Saved, Trainable, image_classifier, limit_threads, random_forest, tabular_mlp
from trainables._training.data.images import folder as folder_images
from trainables._training.randomness import INITIALIZATION, random_state_of
from trainables.image_classifier import image_data
from trainables.tabular_mlp import tabular_data

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "trainables.md"
CPU = torch.device("cpu")


def trained(trainable: Trainable[Any], config: dict[str, Any], folder: Path) -> Saved:
    """Train a configuration and give its last checkpoint."""
    list(trainable.epochs(config, CheckpointFolder(folder)))
    saved = CheckpointFolder(folder).newest()
    assert saved is not None
    return saved


def digits_by_hand(joined: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give training images and classes and those of the test, normalized as a tutorial does it."""
    training: Any = image_data(parts.ImageClassifierConfig(), joined=joined).training
    test: Any = parts.test_images("digits")
    images = training.inputs[training.rows].double()
    mean, std = images.mean(), images.std(correction=0)
    tested = test.inputs[test.rows].double()
    return (
        ((images - mean) / std).float(),
        training.targets[training.rows],
        ((tested - mean) / std).float(),
        test.targets[test.rows],
    )


def test_images_by_hand(tmp_path: Path) -> None:
    """The test images go through the checkpoint's network, normalized with mean and deviation of its training part."""
    config = {"epochs": 3, "lr": 0.01, "split_seed": 0}
    saved = trained(image_classifier, config, tmp_path)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    weights = saved.state()["model"]
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    _, _, images, classes = digits_by_hand(joined=False)
    with torch.no_grad():
        outputs = network(images)
    tested = image_classifier.tested(config, saved.folder)
    assert tested["test_accuracy"] == (outputs.argmax(1) == classes).double().mean().item()
    assert tested["test_loss"] == pytest.approx(nn.functional.cross_entropy(outputs, classes).item(), rel=1e-5)


def test_refit_by_hand(tmp_path: Path) -> None:
    """A plain loop over the training and the validation images ends where a refit of as many epochs does."""
    config = {"epochs": 5, "lr": 0.05, "optimizer": "sgd", "schedule": "linear", "seed": 7, "patience": 1}
    saved = trained(image_classifier.refitting(2), config, tmp_path)
    assert (saved.epoch, saved.record["lr"]) == (2, pytest.approx(0.05 * 4 / 5))
    images, classes, tested, classes_tested = digits_by_hand(joined=True)
    with random_state_of(7, INITIALIZATION, CPU):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.SGD(network.parameters(), momentum=0.9)
    for epoch, lr in ((1, 0.05), (2, 0.05 * 4 / 5)):
        optimizer.param_groups[0]["lr"] = lr
        with random_state_of(7, epoch, CPU) as generator:
            order = torch.randperm(len(classes), generator=generator)
        for rows in order.split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images[rows]), classes[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        loss = nn.functional.cross_entropy(network(tested), classes_tested).item()
    assert image_classifier.tested(config, saved.folder)["test_loss"] == pytest.approx(loss, rel=1e-3)


def test_folds_by_hand(tmp_path: Path) -> None:
    """Each fold's network answers for the test rows as its own training rows standardize them; the mean is reported."""
    config = {"dataset": "diabetes", "folds": 3, "epochs": 2, "split_seed": 4}
    saved = trained(tabular_mlp, config, tmp_path)
    table = parts.read_table("diabetes")
    development, test = parts.test_split(table, 0.2)
    errors = []
    folds = KFold(3, shuffle=True, random_state=4).split(development)
    for (training, _), state in zip(folds, saved.state()["folds"], strict=True):
        scaler = StandardScaler().fit(table.inputs[development[training]])
        one, one_bias, two, two_bias, mean, std = (
            state["model"][name].double().numpy()
            for name in sorted(state["model"], key=lambda name: ("target" in name, name.replace("bias", "z")))
        )
        hidden = np.maximum(scaler.transform(table.inputs[test]) @ one.T + one_bias, 0)
        outputs = ((hidden @ two.T + two_bias) * std + mean)[:, 0]
        errors.append(
            [np.mean((outputs - table.targets[test]) ** 2), mean_absolute_error(table.targets[test], outputs)]
        )
    tested = tabular_mlp.tested(config, saved.folder)
    assert [tested["test_loss"], tested["test_mae"]] == pytest.approx(np.mean(errors, axis=0), rel=1e-4)


def test_forest_by_hand(tmp_path: Path) -> None:
    """One forest on all rows but the test's answers for these, as scikit-learn's of the same settings does."""
    config = {"n_estimators": 6, "epochs": 1, "seed": 2, "dataset": "diabetes"}
    table = parts.read_table("diabetes")
    development, test = parts.test_split(table, 0.2)
    forest = RandomForestRegressor(6, random_state=2).fit(table.inputs[development], table.targets[development])
    predicted = forest.predict(table.inputs[test])
    tested = random_forest.tested(config, trained(random_forest, config, tmp_path / "a").folder)
    assert tested["test_mae"] == mean_absolute_error(table.targets[test], predicted)
    assert tested["test_r2"] == r2_score(table.targets[test], predicted)
    config |= {"dataset": "wine"}
    table = parts.read_table("wine")
    development, test = parts.test_split(table, 0.2)
    classifier = RandomForestClassifier(6, random_state=2).fit(table.inputs[development], table.targets[development])
    tested = random_forest.tested(config, trained(random_forest, config, tmp_path / "b").folder)
    assert tested["test_accuracy"] == accuracy_score(table.targets[test], classifier.predict(table.inputs[test]))
    assert tested["test_loss"] == log_loss(table.targets[test], classifier.predict_proba(table.inputs[test]))


def test_streamed_images_are_tested_as_stored_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that do not fit are trained on, refitted and tested with the numbers of those that do."""
    limit_threads(1)  # decoded in this process
    results = []
    for name, memory in (("stored", None), ("streamed", 100)):
        folder = write_images(tmp_path / name, train=6, val=2, test=3)
        if memory is not None:
            monkeypatch.setattr(folder_images, "_machine_memory", lambda memory=memory: memory)
        config = {"dataset": "image_folder", "folder": str(folder), "batch_size": 4, "epochs": 1}
        for of in (image_classifier, image_classifier.refitting(1)):
            saved = trained(of, config, tmp_path / f"{name}-{len(results)}")
            results.append(of.tested(config, saved.folder))
    assert results[:2] == results[2:]
    assert results[0] != results[1]


@pytest.mark.parametrize("config", [{"dataset": "diabetes"}, {"dataset": "wine", "folds": 3}])
def test_a_refit_has_every_row_but_the_tests_once(config: dict[str, Any]) -> None:
    """Joined, the rows are those for development, standardized and scaled by all of them, in one part."""
    (joined,) = tabular_data(parts.TabularMLPConfig(**config), joined=True)
    table = parts.read_table(config["dataset"])
    development, _ = parts.test_split(table, 0.2)
    training: Any = joined.training
    assert training.rows.tolist() == development.tolist()
    assert joined.validation is None
    ((inputs, _),) = training.in_order(1000)
    expected = StandardScaler().fit_transform(table.inputs[development])
    np.testing.assert_allclose(inputs.numpy(), expected, atol=1e-5)
    if joined.classes is None:
        targets = table.targets[development]
        assert (joined.target_mean, joined.target_std) == pytest.approx((targets.mean(), targets.std()))


def test_test_rows_never_enter_a_refit(tmp_path: Path) -> None:
    """Garbage in the test rows changes no number of a refit of a network or a forest; in another row it does."""
    values = np.random.default_rng(3).normal(size=(40, 3))

    def records(name: str, rows: Any) -> list[Any]:
        lines = [[repr(value) for value in row] for row in values.tolist()]
        for row in rows:
            lines[row] = ["1e30", "", "123456.0"]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["a,b,y", *map(",".join, lines)]) + "\n")
        source = {"dataset": "table_file", "path": str(path), "target": "y", "epochs": 2}
        refits = [tabular_mlp.refitting(2), tabular_mlp.refitting(2), random_forest.refitting(1)]
        options: list[dict[str, Any]] = [{}, {"folds": 3}, {"n_estimators": 4}]
        return [
            [record["train_loss"] for record in refit.epochs(source | option)]
            for refit, option in zip(refits, options, strict=True)
        ]

    plain = records("plain", [])
    table = parts.read_table("table_file", path=str(tmp_path / "plain.csv"), target="y")
    development, test = parts.test_split(table, 0.2)
    assert records("test", test) == plain
    assert all(one != other for one, other in zip(records("control", development[:1]), plain, strict=True))


@pytest.mark.parametrize("trainable", [tabular_mlp, random_forest], ids=str)
def test_no_test_rows(trainable: Trainable[Any], tmp_path: Path) -> None:
    """Where no rows were kept for the test, it is said why nothing can be tested and what to do; a refit works."""
    config = {"test_fraction": 0, "epochs": 1}
    fault = (
        "test_fraction is 0: every row has been trained on or has chosen between configurations, and none is left to "
        "test with; run a new sweep with a test_fraction in (0, 1), such as 0.2"
    )
    assert trainable.no_test(config) == [fault]
    with pytest.raises(ValueError, match="none is left to test with; run a new sweep"):
        trainable.tested(config, trained(trainable, config, tmp_path).folder)
    assert len(list(trainable.refitting(1).epochs(config))) == 1


def test_a_trainable_without_test_and_refit(tmp_path: Path) -> None:
    """A trainable of one's own that has neither says so, with what to do."""
    own = Trainable(
        name="own", config_type=parts.Budget, train=lambda _config, _checkpoints: iter([{"epoch": 1}]), metrics={}
    )
    words = "own has no test part: give its Trainable a `test=` (docs/trainables.md says how)"
    assert own.no_test({}) == [words]
    with pytest.raises(ValueError, match="own has no test part"):
        own.tested({}, tmp_path)
    with pytest.raises(ValueError, match=r"own has no `refit=`; give its Trainable one \(docs/trainables.md\)"):
        own.refitting(1)


def test_the_documented_test_part(tmp_path: Path) -> None:
    """What the page says about a test part works with the trainable that it is said of, refits included."""
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "documented"}
    for block in blocks[0], next(block for block in blocks if "def test(" in block):
        exec(compile(block, "documented.py", "exec"), names)  # noqa: S102 - the documents of this repository
    saved = trained(names["softmax"], {"epochs": 1}, tmp_path)
    assert set(names["softmax"].tested({"epochs": 1}, saved.folder)) == {"test_loss", "test_accuracy"}


def test_epochs_of_a_refit_are_those_of_the_budget() -> None:
    """A refit ends within the budget, whose schedule it follows."""
    with pytest.raises(ValueError, match="image_classifier cannot be refitted until epoch 0; give an epoch from 1"):
        image_classifier.refitting(0)
    with pytest.raises(ValueError, match="a refit until epoch 4, but epochs is 3; give an epoch from 1 to 3"):
        image_classifier.refitting(4).epochs({"epochs": 3})


@pytest.mark.parametrize(
    ("metric", "counterpart"),
    [
        ("val_loss", "test_loss"),
        ("best_val_accuracy", "test_accuracy"),
        ("best_val_loss_epoch", None),
        ("train_loss", None),
        ("generalization_gap", None),
        ("lr", None),
    ],
)
def test_counterpart_of_a_metric(metric: str, counterpart: str | None) -> None:
    """What a sweep has chosen by is found again on the test part, where there is such a thing."""
    assert image_classifier.test_metric_of(metric) == counterpart


def test_damaged_checkpoint_is_not_tested(tmp_path: Path) -> None:
    """A checkpoint that is cut, or not there, is refused with its file and what to do."""
    folder = trained(image_classifier, {"epochs": 1}, tmp_path).folder
    state = folder / "state.pt"
    state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"epoch-00001/state.pt is not what was written: .*; delete the folder"):
        image_classifier.tested({"epochs": 1}, folder)
    with pytest.raises(ValueError, match="epoch-00009 is not there; give the folder of a checkpoint, such as TRIAL/"):
        image_classifier.tested({"epochs": 1}, folder.with_name("epoch-00009"))


def test_weights_of_another_network(tmp_path: Path) -> None:
    """A network whose code has changed since it was trained is refused in words."""
    folder = trained(image_classifier, {"epochs": 1}, tmp_path).folder
    with pytest.raises(ValueError, match=r"holds the weights of another network .* Put the code of the network back"):
        image_classifier.tested({"epochs": 1, "hidden_units": 7}, folder)
