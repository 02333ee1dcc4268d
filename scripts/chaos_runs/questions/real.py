"""The question of digits_mlp, smaller, with a model that takes over after four results."""

from dataclasses import replace

from experiments import HyperOpt
from experiments.digits_mlp import experiment as digits
from scripts.chaos_runs.witness import witnessed

experiment = replace(
    digits,
    trainable=witnessed(digits.trainable),
    search=HyperOpt(n_initial_points=4),
    num_trials=12,
    epochs=9,
)
