"""A random forest under cross-validation: one fold an epoch, so that a scheduler can give up after a few folds.

    for record in random_forest.epochs({"dataset": "diabetes", "n_estimators": 200}):
        print(record["epoch"], record["val_loss"], record["val_loss_se"])

After all folds `val_loss` is the mean of what scikit-learn's `cross_val_score` gives for the same settings. To
cross-validate another estimator, copy this file and change its parts. Nothing here imports torch.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

import trainables as parts
from trainables import TableSource, Trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from trainables import Checkpoints, Deployed, Record, SavedEpoch, Table

Fraction = Annotated[float, Field(gt=0, le=1)]


class RandomForestConfig(TableSource):
    """What one cross-validated random forest is: table, trees, folds and seeds."""

    n_estimators: int = Field(default=100, ge=1, le=100_000, json_schema_extra={"unit": "trees"})
    """Trees of a forest, 1 to 100,000."""

    max_depth: int | None = Field(default=None, ge=1, le=10_000, json_schema_extra={"unit": "levels"})
    """Largest depth of a tree, 1 to 10,000; left out: until its leaves are pure or too small to split."""

    min_samples_split: int = Field(default=2, ge=2, le=1_000_000, json_schema_extra={"unit": "rows"})
    """Rows that a node must have to be split, at least 2."""

    min_samples_leaf: int = Field(default=1, ge=1, le=1_000_000, json_schema_extra={"unit": "rows"})
    """Rows that a leaf must keep, at least 1."""

    max_features: Fraction | Literal["sqrt", "log2"] | None = None
    """Columns that a split looks at: a fraction of them in (0, 1], sqrt or log2 of their number; left out: as
    scikit-learn's, all for a regressor and sqrt for a classifier."""

    criterion: Literal["squared_error", "absolute_error", "poisson", "gini", "entropy"] | None = None
    """What a split improves: squared_error, absolute_error (slow) or poisson of a regressor, gini or entropy of a
    classifier; left out: squared_error or gini."""

    bootstrap: bool = True
    """Whether each tree sees a sample of the rows, drawn with replacement, or all of them."""

    folds: int = Field(default=5, ge=2, le=100, json_schema_extra={"unit": "folds"})
    """Folds of the cross-validation, 2 to 100; the classes of a classifier are stratified."""

    epochs: int = Field(default=5, ge=1, le=100, json_schema_extra={"unit": "folds"})
    """Budget: folds that are fitted, one an epoch, at most `folds`."""

    shuffle: bool = True
    """Whether the rows are shuffled before they are split into folds, or stay in the order of the file."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the trees, below 2**32; every fold's forest has the same."""

    split_seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the shuffling before the split into folds; the test rows never change."""

    def conflicts(self) -> Iterator[str]:
        """Add what does not go together among these."""
        yield from super().conflicts()
        if self.epochs > self.folds:
            yield (
                f"epochs is {self.epochs}, but folds is {self.folds}: an epoch is one fold; "
                f"give at most {self.folds} epochs, or set folds to {self.epochs} or more"
            )


_CRITERIA = {"regression": ("squared_error", "absolute_error", "poisson"), "classification": ("gini", "entropy")}


def train(config: RandomForestConfig, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Fit and measure one forest per fold; one record per fold."""
    table = parts.read_table(**config.source())
    development, _ = parts.test_split(table, config.test_fraction)
    return parts.cross_validate(
        inputs=table.inputs,
        targets=table.targets,
        folds=parts.fold_splits(table, development, folds=config.folds, shuffle=config.shuffle, seed=config.split_seed),
        estimator=partial(forest, config, classes=table.classes is not None),
        measure=_measure(table),
        epochs=config.epochs,
        seed=config.seed,
        checkpoints=checkpoints,
    )


def refit(config: RandomForestConfig, _until: int, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Fit one forest on all rows but the test's, as one would use it; one record, whichever epoch it is until.

    The checkpoint has its trees, as `forest_state` lays them out.
    """
    saved = checkpoints.newest() if checkpoints else None
    if saved is not None:
        yield dict(saved.record)
        return
    start = time.perf_counter()
    table = parts.read_table(**config.source())
    development, _ = parts.test_split(table, config.test_fraction)
    fitted = _fitted(config, table, development)
    train_loss = _measure(table)(fitted, table.inputs[development], table.targets[development])["loss"]
    record = {"epoch": 1, "train_loss": float(train_loss), "seconds": time.perf_counter() - start}
    if checkpoints:
        classes = None if table.classes is None else len(table.classes)
        checkpoints.save(1, record, {"refit": True, "forest": parts.forest_state(fitted, classes=classes)})
    yield dict(record)


def test(config: RandomForestConfig, _saved: SavedEpoch) -> dict[str, float]:
    """Return the measures on the test rows of one forest that is fitted on all other rows.

    A checkpoint of the cross-validation has no forest, and each fold's would have seen fewer rows than one would use.
    """
    table = parts.read_table(**config.source())
    development, test = parts.test_split(table, config.test_fraction)
    measured = _measure(table)(_fitted(config, table, development), table.inputs[test], table.targets[test])
    return {f"test_{name}": float(value) for name, value in measured.items()}


def deploy(config: RandomForestConfig, saved: SavedEpoch) -> Deployed:
    """Return the forest of a refit's checkpoint as a model for raw rows.

    Raises:
        ValueError: The checkpoint is of the cross-validation and holds no forest.
    """
    state = saved.state()
    if state is None:
        message = (
            "random_forest: a checkpoint of the cross-validation holds scores and no forest; fit one on all rows "
            "first: sweep confirm --refit"
        )
        raise ValueError(message)
    table = parts.read_table(**config.source())
    development, _ = parts.test_split(table, config.test_fraction)
    return parts.deployed_forest(state["forest"], table, development, config.target)


def _fitted(config: RandomForestConfig, table: Table, rows: Any) -> Any:
    return forest(config, classes=table.classes is not None).fit(table.inputs[rows], table.targets[rows])


def _measure(table: Table) -> Callable[[Any, Any, Any], dict[str, float]]:
    return regression_metrics if table.classes is None else classification_metrics


def forest(config: RandomForestConfig, *, classes: bool) -> Any:
    """Return the forest of a configuration, not fitted: a classifier or a regressor."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    settings = {
        name: getattr(config, name)
        for name in ("n_estimators", "max_depth", "min_samples_split", "min_samples_leaf", "bootstrap")
    }
    settings |= {name: value for name in ("max_features", "criterion") if (value := getattr(config, name)) is not None}
    kind = RandomForestClassifier if classes else RandomForestRegressor
    return kind(**settings, random_state=config.seed, n_jobs=parts.cpu_share())


def regression_metrics(forest: Any, inputs: Any, targets: Any) -> dict[str, float]:
    """Return mean squared error (as `loss`), mean absolute error, its root and R2 on some rows."""
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    predicted = _one_after_another(forest).predict(inputs)
    loss = mean_squared_error(targets, predicted)
    return {
        "loss": loss,
        "r2": r2_score(targets, predicted),
        "mae": mean_absolute_error(targets, predicted),
        "rmse": loss**0.5,
    }


def classification_metrics(forest: Any, inputs: Any, targets: Any) -> dict[str, float]:
    """Return log loss (as `loss`, in nats) and accuracy on some rows."""
    from sklearn.metrics import accuracy_score, log_loss

    probabilities = _one_after_another(forest).predict_proba(inputs)
    return {
        "loss": log_loss(targets, probabilities, labels=forest.classes_),
        "accuracy": accuracy_score(targets, forest.classes_[probabilities.argmax(axis=1)]),
    }


def _one_after_another(forest: Any) -> Any:
    # several threads add up the trees' answers in any order, and the last digits would depend on it
    return forest.set_params(n_jobs=1)


def reported(config: RandomForestConfig) -> Collection[str]:
    """Return the metrics of a regressor or of a classifier; all of them where the file that would say is not there."""
    task = config.resolved_task()
    other = {"regression": ("accuracy",), "classification": ("r2", "mae", "rmse")}.get(task or "", ())
    return [name for name in random_forest.metrics if name.removeprefix("val_").removesuffix("_se") not in other]


def check(config: RandomForestConfig) -> list[str]:
    """Return what is missing or wrong of the table, and a criterion of another task, before anything starts."""
    faults = config.missing(folds=config.folds)
    task = None if faults else config.resolved_task()
    if task is not None and config.criterion is not None and config.criterion not in _CRITERIA[task]:
        faults.append(
            f"random_forest: 'criterion' is {config.criterion!r}, but the target is one of {task}, which takes "
            f"{', '.join(_CRITERIA[task])}; give one of these, or leave it out"
        )
    elif task is not None and config.criterion == "poisson" and parts.read_table(**config.source()).targets.min() < 0:
        faults.append(
            "random_forest: 'criterion' is 'poisson', but the target is below 0 in some rows; it takes targets of 0 "
            "and above: give another criterion, or leave it out"
        )
    return faults


def checkpoint_bytes(_config: RandomForestConfig) -> int:
    """Return about how many bytes a checkpoint takes: the record alone, which is all that the next fold needs."""
    return parts.MANIFEST_BYTES


def content(config: RandomForestConfig) -> str:
    """Return a digest of the table, which stays the same for the whole of a trial."""
    return parts.table_content(config.dataset, path=config.path)


_LOSS = "mean squared error in the target's unit squared, or log loss in nats"

random_forest = Trainable(
    name="random_forest",
    config_type=RandomForestConfig,
    train=train,
    test=test,
    untestable=TableSource.untestable,
    fixed_split=lambda config: not config.shuffle,
    refit=refit,
    deploy=deploy,
    check=check,
    content=content,
    checkpoint_bytes=checkpoint_bytes,
    reported=reported,
    counts="last",
    max_gpus=0,
    metrics={
        "val_loss": f"mean over the folds so far of the loss of their validation rows: {_LOSS}",
        "val_loss_se": "standard error of val_loss, 0 for one fold",
        "fold_loss": f"loss of the epoch's own fold: {_LOSS}",
        "train_loss": "mean over the folds so far of the loss of as many training rows",
        "generalization_gap": "val_loss minus train_loss",
        "val_r2": "mean over the folds so far of R2, at most 1 (regression)",
        "val_r2_se": "standard error of val_r2, 0 for one fold (regression)",
        "val_mae": "mean over the folds so far of the mean absolute error, in the target's unit (regression)",
        "val_mae_se": "standard error of val_mae, 0 for one fold (regression)",
        "val_rmse": "mean over the folds so far of the root mean squared error, in the target's unit (regression)",
        "val_rmse_se": "standard error of val_rmse, 0 for one fold (regression)",
        "val_accuracy": "mean over the folds so far of the fraction of rows classified correctly (classification)",
        "val_accuracy_se": "standard error of val_accuracy, 0 for one fold (classification)",
        "seconds": "wall time of fitting and measuring the fold, in seconds",
    },
    test_metrics={
        "test_loss": f"loss of the test rows: {_LOSS}",
        "test_r2": "R2 of the test rows, at most 1 (regression)",
        "test_mae": "mean absolute error of the test rows, in the target's unit (regression)",
        "test_rmse": "root mean squared error of the test rows, in the target's unit (regression)",
        "test_accuracy": "fraction of the test rows classified correctly (classification)",
    },
)
