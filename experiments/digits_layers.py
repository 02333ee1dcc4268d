"""How many layers on digits, how wide is each, for how many epochs? Each width has its own range."""

from ray import tune

from experiments import FIFO, Experiment, HyperOpt
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "digits",
        "model": "mlp",
        "hidden_units": tune.choice([[tune.lograndint(16, 257) for _ in range(layers)] for layers in range(1, 5)]),
        "activation": tune.choice(["relu", "tanh", "gelu", "silu"]),
        "optimizer": "adam",
        "lr": tune.loguniform(1e-4, 1e-1),
        "batch_size": tune.choice([16, 32, 64, 128]),
        "epochs": tune.lograndint(5, 61),
    },
    metric="val_loss",
    mode="min",
    search=HyperOpt(),
    scheduler=FIFO(),  # a scheduler compares trials of one budget
    num_trials=64,
    epochs=60,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
