"""What makes an experiment run: values and checks, the ledger, the engine, what shows a sweep, the command line."""
