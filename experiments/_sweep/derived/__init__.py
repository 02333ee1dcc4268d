"""Sweeps that are made of a sweep: its trials trained again, to confirm, to refit or to replay them."""
