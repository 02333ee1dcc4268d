"""What makes an experiment run: values and checks, the ledger, the engine, the views, the command line."""
