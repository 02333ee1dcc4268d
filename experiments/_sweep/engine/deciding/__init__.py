"""What goes next, what happens at an epoch, how a trial ended: decided from the ledger alone, without Ray."""
