"""What the data of a further trial on the node costs in memory: the second of two processes that hold MNIST."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from scripts.benchmarks.usual import usual_training_loader
from trainables import load_images


def private() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


torch.set_num_threads(1)
for _ in DataLoader(list(range(200)), batch_size=64, shuffle=True):  # what the libraries take at their first use
    pass
torch.randn(64, 784).mul_(2.0)
before = private()
if sys.argv[1] == "DataLoader":
    data = usual_training_loader()
    batches = iter(data)
else:
    data = load_images("mnist")
    batches = data.training.shuffled(64, torch.Generator().manual_seed(0))
for batch in batches:
    pass
print(private() - before, flush=True)
sys.stdin.read()
"""


def further_trial_megabytes(kind: str) -> float:
    """Return the private memory, in MB, that one pass over the data leaves in the second of two processes.

    Args:
        kind: "DataLoader" or "raysweeps".
    """
    processes = []
    kilobytes = 0
    try:
        for _ in range(2):  # the second, while the first still holds its own
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, kind],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(process)
            assert process.stdout is not None
            kilobytes = int(process.stdout.readline())
    finally:
        for process in processes:
            process.communicate("")
    return kilobytes / 1024
