"""The memory of a GPU that trials share: each process of a trial is held to its fraction of it."""

from __future__ import annotations

CONTEXT_BYTES = 600 << 20
"""What a process takes of a GPU for CUDA itself, beside what it allocates through PyTorch."""
LEAST = 0.5
"""At least so much of its share a trial may allocate, however small the GPU is."""


def hold_to_share(gpus: float) -> None:
    """Bounds what PyTorch allocates in this process, where it has a fraction of one GPU.

    Whoever asks for more gets PyTorch's own out-of-memory error, and its neighbours keep what is theirs.
    """
    if not 0 < gpus < 1 or not _gpus_here():
        return
    import torch

    if torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(allowed(gpus, total), 0)


def allowed(share: float, total: int) -> float:
    """The fraction of a GPU of `total` bytes that PyTorch may allocate for a trial whose share of it is `share`."""
    return max(share - CONTEXT_BYTES / total, LEAST * share)


def _gpus_here() -> int:
    """Asked without PyTorch, which a trainable may not need; what Ray calls a GPU may be none."""
    from ray._private.accelerators import get_accelerator_manager_for_resource

    manager = get_accelerator_manager_for_resource("GPU")
    return int(manager.get_current_node_num_accelerators()) if manager else 0
