"""What a trainable becomes where validation rows are trained on like the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from trainables._training.trainable import Checkpoints, Record

Config = TypeVar("Config", bound=BaseModel)

_OF_VALIDATION = re.compile(r"(best_)?val_.*|generalization_gap|fold_loss")


def until(
    refit: Callable[[Config, int, Checkpoints | None], Iterator[Record]],
    epoch: int,
    config: Config,
    checkpoints: Checkpoints | None,
) -> Iterator[Record]:
    """Refit until an epoch.

    Raises:
        ValueError: It lies behind the budget of the configuration.
    """
    budget = getattr(config, "epochs", epoch)
    if epoch > budget:
        message = f"a refit until epoch {epoch}, but epochs is {budget}; give an epoch from 1 to {budget}"
        raise ValueError(message)
    return refit(config, epoch, checkpoints)


def without_validation(metrics: Iterable[str]) -> list[str]:
    """Return those metrics that need no validation rows."""
    return [name for name in metrics if not _OF_VALIDATION.fullmatch(name)]


def reported_without_validation(reported: Callable[[Config], Collection[str]], config: Config) -> list[str]:
    """Return the same of the metrics that a configuration reports."""
    return without_validation(reported(config))
