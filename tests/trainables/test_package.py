"""The package gives its public names, at no cost until they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trainables
from trainables import Trainable

ORDERS = [
    "from trainables import image_classifier",
    "import trainables.image_classifier; from trainables import image_classifier",
    "from trainables.image_classifier import ImageClassifierConfig; from trainables import image_classifier",
    "from trainables.image_classifier import image_classifier",
    "from trainables import ImageClassifierConfig, image_classifier; import trainables.image_classifier",
    "import importlib; importlib.import_module('trainables.image_classifier'); from trainables import image_classifier",
    "import trainables; image_classifier = trainables.image_classifier; import trainables.image_classifier",
]


def _run(program: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize("order", ORDERS)
def test_image_classifier_is_the_trainable_always(order: str) -> None:
    """`trainables.image_classifier` is the trainable, whatever was imported before it and in which way."""
    _run(
        f"{order}; import trainables; assert type(image_classifier).__name__ == 'Trainable'; "
        "assert trainables.image_classifier is image_classifier"
    )


def test_importing_costs_nothing() -> None:
    """A trainable, its configuration and its checks come without torch, torchvision, scikit-learn, numpy and Ray."""
    _run(
        "import sys; "
        "from trainables import CheckpointFolder, ImageClassifierConfig, Trainable, image_classifier, limit_threads; "
        "image_classifier.faults({'lr': 1, 'dataset': 'mnist'}); limit_threads(1); ImageClassifierConfig(); "
        "slow = {'torch', 'torchvision', 'sklearn', 'numpy', 'ray', 'pandas'} & set(sys.modules); assert not slow, slow"
    )


def test_training_digits_needs_neither_ray_nor_torchvision() -> None:
    """The loop knows nothing of Ray, and a data set costs only its own libraries."""
    _run(
        "import sys; from trainables import image_classifier; list(image_classifier.epochs({'epochs': 1})); "
        "assert not {'ray', 'torchvision'} & set(sys.modules)"
    )


@pytest.mark.parametrize("name", trainables.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """What `__all__` promises can be imported, is listed by `dir` and says what it is."""
    value = getattr(trainables, name)
    assert name in dir(trainables)
    assert value.__doc__ or name == "Record"


def test_unknown_name() -> None:
    """A name that is not there is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="module 'trainables' has no attribute 'no_such_name'"):
        _ = trainables.no_such_name


def test_trainable_has_a_name() -> None:
    """Ray, tracebacks and results call the trainable by its name."""
    assert trainables.image_classifier.__name__ == "image_classifier"
    assert repr(trainables.image_classifier) == "Trainable('image_classifier')"
    assert Trainable.__name__ == "Trainable"


def test_limit_threads_waits_for_an_import_that_has_begun() -> None:
    """Called while another thread is importing torch, as TensorBoard's writer does, it waits for torch to be there."""
    program = (
        "import importlib, sys, threading; from trainables import limit_threads;"
        "threading.Thread(target=importlib.import_module, args=('torch',)).start()\n"
        "while 'torch' not in sys.modules: pass\n"
        "limit_threads(1); assert sys.modules['torch'].get_num_threads() == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
