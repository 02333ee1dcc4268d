"""Sweeps in an object store: a working copy here, numbered immutable segments of the ledger there."""
