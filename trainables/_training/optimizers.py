"""Optimizers by name; the loop sets the learning rate of each epoch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn, optim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


def optimizer(
    name: str, *, momentum: float = 0.9, nesterov: bool = False, weight_decay: float = 0.0
) -> Callable[[Iterable[nn.Parameter]], optim.Optimizer]:
    """Return what makes an optimizer for the parameters of a network.

    Args:
        name: "sgd", "adam", "adamw" or "rmsprop".
        momentum: Of sgd and rmsprop, in [0, 1); the others do not use it.
        nesterov: Whether sgd uses Nesterov's momentum; the others do not use it.
        weight_decay: L2 penalty (sgd, adam, rmsprop) or decoupled decay (adamw).
    """
    if name == "rmsprop":  # torch has no fused one
        return partial(optim.RMSprop, momentum=momentum, weight_decay=weight_decay)
    # fused: one kernel for all parameters, on the CPU as on CUDA; an eighth less of an epoch of a small MLP
    if name == "sgd":
        return partial(optim.SGD, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, fused=True)
    adam = {"adam": optim.Adam, "adamw": optim.AdamW}[name]
    return partial(adam, weight_decay=weight_decay, fused=True)


def direct_step(optimizer: optim.Optimizer) -> Callable[[], object]:
    """Return what takes an optimizer's step: the same numbers, with less Python around them where that is known how.

    `Optimizer.step` looks anew at each parameter, its state and all hooks: as long as torch's fused Adam of a small
    network itself; and it imports torch's compiler, a second of each process. What is returned has looked once; it is
    of use until hyperparameters or state are replaced.
    """
    # these two, and no class of somebody's own that is made of them
    kernels: dict[type, Callable[..., object]] = {optim.Adam: torch._fused_adam_, optim.AdamW: torch._fused_adamw_}
    kernel = kernels.get(type(optimizer))
    if kernel is None or len(optimizer.param_groups) != 1 or not _is_plain(optimizer.param_groups[0]):
        return optimizer.step
    group = optimizer.param_groups[0]
    parameters = group["params"]
    hyperparameters = {name: group[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
    hyperparameters["beta1"], hyperparameters["beta2"] = group["betas"]
    kept: list[list[torch.Tensor]] = []

    def step() -> None:
        gradients = [parameter.grad for parameter in parameters]
        is_whole = all(gradient is not None for gradient in gradients)
        if is_whole and kept:
            lists = [parameters, gradients, *kept]
        else:
            lists = [[], [], [], [], [], []]
            optimizer._init_group(group, *lists)  # type: ignore[attr-defined] # noqa: SLF001 - makes the state, as step does
            kept[:] = lists[2:] if is_whole else []
        with torch.no_grad():
            torch._foreach_add_(lists[-1], 1)
            kernel(*lists, **hyperparameters)

    return step


def _is_plain(group: Mapping[str, Any]) -> bool:
    """Whether a group of parameters is updated by the fused kernel on a CPU and nothing beside."""
    beside = any(group[name] for name in ("amsgrad", "capturable", "differentiable"))
    return bool(group["fused"]) and not beside and all(each.device.type == "cpu" for each in group["params"])


def _without_compiler() -> None:
    """Let an optimizer be made and saved without torch's compiler, which torch imports only to be told to keep off.

    The import takes a second of each process. Where torch names its mark otherwise, it is imported as ever.
    """
    for name in ("add_param_group", "state_dict", "load_state_dict"):
        method = getattr(getattr(optim.Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, _MARK):
            setattr(method, _MARK, method)


_MARK = "__dynamo_disable"
_without_compiler()
