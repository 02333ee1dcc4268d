"""Ray Tune's callbacks in a sweep: one run for each trial in MLflow, Weights & Biases or what else they speak to."""
