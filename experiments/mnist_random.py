"""Which learning rate and batch size suit a 784-128-10 MLP on MNIST? Ten random configurations."""

from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "mnist",
        "model": "mlp",
        "hidden_layers": 1,
        "hidden_units": 128,
        "optimizer": "adam",
        "lr": tune.uniform(0.001, 0.01),
        "batch_size": tune.randint(16, 129),
    },
    metric="val_accuracy",
    mode="max",
    search=Random(),
    scheduler=FIFO(),
    num_trials=10,
    epochs=3,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
