"""How a sweep is shown: tables, lines, a live display, TensorBoard. Reads the ledger's history, decides nothing."""
