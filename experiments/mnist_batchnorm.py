"""How fast should batch normalization forget in an MLP on MNIST? With learning rate and batch size."""

from ray import tune

from experiments import FIFO, Experiment, HyperOpt
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "mnist",
        "model": "mlp",
        "hidden_units": [128, 64],
        "batch_norm": True,
        "batch_norm_momentum": tune.loguniform(0.01, 1.0),  # weight of the newest batch
        "optimizer": "adam",
        "lr": tune.loguniform(1e-4, 1e-1),
        "batch_size": tune.lograndint(16, 257),
    },
    metric="val_accuracy",
    mode="max",
    search=HyperOpt(),
    scheduler=FIFO(),  # early epochs would judge the slow averages before they have settled
    num_trials=30,
    epochs=5,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
