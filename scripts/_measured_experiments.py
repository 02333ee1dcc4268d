"""By which commands each line of docs/experiments.md is made; a test holds it against the folder of the experiments."""

from __future__ import annotations

COMMANDS = {
    "mnist_random": ("sweep run mnist_random", "sweep confirm mnist_random --seeds 10"),
    "mnist_published": ("sweep run mnist_published", "sweep confirm mnist_published --top 10 --seeds 10"),
    "mnist_batchnorm": ("sweep run mnist_batchnorm", "sweep confirm mnist_batchnorm --seeds 10"),
    "mnist_bayes": ("sweep run mnist_bayes", "sweep confirm mnist_bayes --seeds 10"),
    "digits_mlp": ("sweep run digits_mlp", "sweep confirm digits_mlp --seeds 10"),
    "digits_grid": ("sweep run digits_grid", "sweep confirm digits_grid --seeds 10"),
    "digits_random": ("sweep run digits_random", "sweep confirm digits_random --seeds 10"),
    "digits_bayes": ("sweep run digits_bayes", "sweep confirm digits_bayes --seeds 10"),
    "digits_layers": ("sweep run digits_layers", "sweep confirm digits_layers --seeds 10"),
    "digits_regularization": ("sweep run digits_regularization", "sweep confirm digits_regularization --seeds 10"),
    "housing_forest": ("sweep run housing_forest", "sweep confirm housing_forest --top 1 --seeds 5"),
    "housing_published": ("sweep run housing_published", "sweep confirm housing_published --top 1 --seeds 3"),
    "housing_mlp_random": ("sweep run housing_mlp_random", "sweep confirm housing_mlp_random --seeds 10"),
    "housing_mlp": ("sweep run housing_mlp", "sweep confirm housing_mlp --top 1 --seeds 3"),
    # The last two are for a GPU, and small here, so that a machine without one can make their lines again.
    "fashion_cnn": (
        "sweep run fashion_cnn --gpus-per-trial 0 --trials 4 --epochs 4",
        "sweep confirm fashion_cnn --top 1 --seeds 3",
    ),
    # Its images are CIFAR-10's as files in class folders.
    "cifar10_resnet": (
        (
            "sweep run cifar10_resnet --set dataset=image_folder --set folder=cifar10_images --gpus-per-trial 0 "
            "--trials 2 --epochs 1 --scheduler fifo"
        ),
    ),
}
"""Experiment to its commands, in the order in which they run and stand in the document: one `sweep run`, and at most
one `sweep confirm`."""

PUBLISHED = {
    "mnist_random": "published: 0.9728 test accuracy, chosen on the test images",
    "housing_published": "published: 0.42484 after 32 min 53 s",
}
"""What others have printed for the same question."""
