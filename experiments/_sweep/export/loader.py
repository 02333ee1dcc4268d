"""`load.py`: what gives a stranger the network, with torch alone; and whether it gives the same one."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING, Any

import torch

from experiments._sweep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""Their names in a file of safetensors."""

_FILE = '''"""The network of this folder, with PyTorch alone: `network = load()`. README.md says what it takes."""

import hashlib
import json
import runpy
from pathlib import Path

import torch

FOLDER = Path(__file__).resolve().parent
DTYPES = {{{dtypes}}}
SHA256 = "{sha256}"


def load():
    content = bytearray((FOLDER / "model.safetensors").read_bytes())
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError("model.safetensors is not the file that was exported: copy the folder again")
    start = 8 + int.from_bytes(content[:8], "little")  # a header in JSON, then the numbers of all tensors
    header, numbers, weights = json.loads(content[8:start]), content[start:], {{}}
    for name, tensor in header.items():
        first, last = tensor["data_offsets"]
        flat = torch.frombuffer(numbers[first:last], dtype=DTYPES[tensor["dtype"]])
        weights[name] = flat.reshape(tensor["shape"])
    network = runpy.run_path(str(FOLDER / "network.py"))["Network"]()
    network.load_state_dict(weights)
    return network.eval()


if __name__ == "__main__":
    print(load())
'''


def loader_source(weights: Mapping[str, torch.Tensor], sha256: str) -> str:
    """The content of `load.py` for weights whose file has a checksum.

    Raises:
        InputError: If there are weights that it could not read.
    """
    dtypes = {weight.dtype: None for weight in weights.values()}
    strange = [str(dtype) for dtype in dtypes if dtype not in _DTYPES]
    strange += [f"{name} of shape {tuple(weight.shape)}" for name, weight in weights.items() if not weight.numel()]
    if strange:
        raise InputError(f"the network has weights that load.py could not read: {', '.join(strange)}. Do without them.")
    return _FILE.format(dtypes=", ".join(f'"{_DTYPES[dtype]}": {dtype}' for dtype in dtypes), sha256=sha256)


def refuse_another(folder: Path, network: Any, example: torch.Tensor) -> None:
    """Loads the network in `folder` as a stranger does and compares what it gives for all rows and for one.

    Raises:
        InputError: If it cannot be loaded, or gives other outputs than `network`, be it in the last bit.
    """
    try:
        loaded = runpy.run_path(str(folder / "load.py"))["load"]()
        with torch.inference_mode():
            answers = [(network(inputs), loaded(inputs)) for inputs in (example, example[:1])]
    except Exception as error:
        raise InputError(
            "the network cannot be written down for torch alone: what was written does not work, so it was taken away "
            f"again ({type(error).__name__}: {error}). Take its checkpoint and its own code to the other machine."
        ) from error
    if not all(torch.allclose(given, expected, rtol=0, atol=0, equal_nan=True) for expected, given in answers):
        raise InputError(
            "the network that load.py gives answers otherwise than the one that was trained, so nothing was written. "
            "Its forward does something that torch.fx does not follow, such as chance or a state of its own."
        )
