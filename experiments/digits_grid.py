"""Learning rate, depth and batch size of an MLP on digits: what does a grid of 3 x 3 x 3 find?"""

from ray import tune

from experiments import Grid, replace
from experiments.digits_random import experiment as digits_random

experiment = replace(
    digits_random,
    space={
        **digits_random.space,
        "hidden_layers": tune.grid_search([1, 3, 5]),
        "lr": tune.grid_search([0.001, 0.01, 0.1]),
        "batch_size": tune.grid_search([32, 64, 128]),
    },
    search=Grid(),
)
