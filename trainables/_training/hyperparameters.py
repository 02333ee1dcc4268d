"""Hyperparameters that configurations share: of a perceptron, of its optimization, of a trial's budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import nn, optim

    from trainables._training.learner import Step

Units = Annotated[int, Field(ge=1, le=65_536)]
Depth = Annotated[int, Field(ge=0, le=64)]


class Hyperparameters(BaseModel):
    """A configuration, or a part of one: frozen, without unknown keys, with its fields' docstrings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def conflicts(self) -> Iterator[str]:
        """Say in one sentence each what does not go together; each part adds its own to those of `super()`."""
        yield from ()

    @model_validator(mode="after")
    def _without_conflicts(self) -> Self:
        _refuse(type(self).__name__, self.conflicts())
        return self


def _refuse(title: str, conflicts: Iterable[str]) -> None:
    """Raise one error for each conflict: a ValueError would be one for all."""
    faults = [PydanticCustomError("conflict", "{conflict}", {"conflict": text}) for text in conflicts]
    if faults:
        raise ValidationError.from_exception_data(title, [InitErrorDetails(type=fault, input=None) for fault in faults])


class Budget(Hyperparameters):
    """How long a trial may train, and where its chance comes from."""

    epochs: int = Field(default=10, ge=1, le=1_000_000, json_schema_extra={"unit": "epochs"})
    """Budget: passes over the training rows, at least 1."""

    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the initial weights, the order of the rows, dropout and augmentation."""

    split_seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the split into training and validation rows; the test rows never change."""


class Optimization(Budget):
    """How the weights are changed; `make_optimizer`, `make_schedule` and `make_step` are what the loop takes."""

    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = "adam"
    """Rule that updates the weights; or a dict with its `name` and hyperparameters that stand beside it otherwise, such
    as `{"name": "sgd", "lr": 0.1, "momentum": 0.9}`, so that a search space can have a branch for each."""

    lr: float = Field(default=1e-3, gt=0, le=100)
    """Learning rate: step size of the optimizer, above 0; `schedule` says whether it changes."""

    schedule: Literal["constant", "cosine", "linear"] = "constant"
    """Learning rate over the epochs: constant, or from lr towards 0 at the end of the budget, as a cosine or a line."""

    warmup_epochs: int = Field(default=0, ge=0, lt=1_000_000, json_schema_extra={"unit": "epochs"})
    """Epochs in which the learning rate rises in equal steps to lr, before `schedule` begins; below `epochs`."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of sgd and rmsprop, in [0, 1); adam and adamw do not use it."""

    nesterov: bool = False
    """Whether sgd looks ahead: Nesterov's momentum; the other optimizers do not use it."""

    weight_decay: float = Field(default=0.0, ge=0, le=1)
    """L2 penalty (sgd, adam, rmsprop) or decoupled decay per unit of learning rate (adamw), in [0, 1]."""

    l1: float = Field(default=0.0, ge=0, le=1)
    """L1 penalty: weight of the sum of the absolute values of all layers' weights (biases left out), in [0, 1]."""

    gradient_clip: float | None = Field(default=None, gt=0, le=1e6)
    """Largest L2 norm of all gradients together, above 0: longer ones are shortened to it; left out: any length."""

    batch_size: int = Field(default=64, ge=1, le=65_536, json_schema_extra={"unit": "rows"})
    """Rows per optimizer step, 1 to 65,536."""

    patience: int | None = Field(default=None, ge=1, le=1_000_000, json_schema_extra={"unit": "epochs"})
    """Epochs without a lower val_loss after which the trial ends early, at least 1; left out: it never does."""

    mixed_precision: bool = False
    """Whether matrix products are computed in 16 bits on a GPU; without effect on a CPU."""

    compile: bool = False
    """Whether `torch.compile` compiles the network first: a minute or more at the start for faster steps."""

    @model_validator(mode="before")
    @classmethod
    def _optimizer_unfolded(cls, given: Any) -> Any:
        """Put an optimizer's own hyperparameters beside its name."""
        if not isinstance(given, Mapping) or not isinstance(given.get("optimizer"), Mapping):
            return given
        inside = dict(given["optimizer"])
        beside = {name: value for name, value in given.items() if name != "optimizer"}
        twice = sorted(inside.keys() & beside.keys())
        faults = [f"{name} stands in optimizer and beside it; leave one of them out" for name in twice]
        if "name" not in inside:
            faults.append(f"optimizer is a dict without 'name' ({', '.join(map(str, inside))}); give it a name")
        _refuse(cls.__name__, faults)
        return {**beside, "optimizer": inside.pop("name"), **inside}

    def conflicts(self) -> Iterator[str]:
        """Add what does not go together among these."""
        yield from super().conflicts()
        if self.nesterov and self.optimizer == "sgd" and self.momentum == 0:
            yield "nesterov is a way to use sgd's momentum, but momentum is 0; give momentum above 0, or no nesterov"
        if self.warmup_epochs >= self.epochs:
            yield (
                f"warmup_epochs is {self.warmup_epochs}, but epochs is {self.epochs}; "
                "give fewer epochs of warm-up than epochs"
            )

    def make_optimizer(self) -> Callable[[Iterable[nn.Parameter]], optim.Optimizer]:
        """Return what makes the optimizer of a network's parameters."""
        from trainables._training.optimizers import optimizer

        return optimizer(self.optimizer, momentum=self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay)

    def make_schedule(self) -> Callable[[int], float]:
        """Return the learning rate of each epoch, counted from 1."""
        from trainables._training.schedules import schedule, warmed_up

        after = schedule(self.schedule, self.lr, epochs=self.epochs - self.warmup_epochs)
        return warmed_up(after, epochs=self.warmup_epochs)

    def make_step(self) -> Step:
        """Return how one step is taken: penalty, clipping, precision and compilation."""
        from trainables._training.learner import Step

        return Step(
            l1=self.l1,
            gradient_clip=self.gradient_clip,
            mixed_precision=self.mixed_precision,
            compile=self.compile,
        )


class Perceptron(Hyperparameters):
    """The hidden layers of a multilayer perceptron."""

    hidden_layers: Depth | None = Field(default=None, json_schema_extra={"unit": "layers"})
    """Number of hidden layers, 0 to 64; left out: 1, or the length of `hidden_units` where that is a list."""

    hidden_units: Units | tuple[Units, ...] = Field(default=128, json_schema_extra={"unit": "units"})
    """Units of every hidden layer, 1 to 65,536; or a list with the units of each."""

    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"] = "relu"
    """Nonlinearity after each hidden layer."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability that a hidden unit is zeroed while training, in [0, 1)."""

    batch_norm: bool = False
    """Whether each hidden layer is normalized over the batch, before its nonlinearity."""

    batch_norm_momentum: float = Field(default=0.1, gt=0, le=1)
    """Weight of the newest batch in the means and variances that validation uses, in (0, 1] (PyTorch's convention)."""

    def conflicts(self) -> Iterator[str]:
        """Add what does not go together among these."""
        yield from super().conflicts()
        units, layers = self.hidden_units, self.hidden_layers
        if isinstance(units, tuple) and layers is not None and layers != len(units):
            yield (
                f"hidden_layers is {layers}, but hidden_units lists {len(units)} layers {list(units)}; "
                "leave hidden_layers out, or give hidden_units as one number"
            )
        # the size of a batch is the business of what this is a part of
        if self.batch_norm and getattr(self, "batch_size", 2) < 2:
            yield "batch_norm compares the rows of a batch, but batch_size is 1; give at least 2, or no batch_norm"

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of each hidden layer, first to last."""
        if isinstance(self.hidden_units, tuple):
            return self.hidden_units
        return (self.hidden_units,) * (1 if self.hidden_layers is None else self.hidden_layers)
