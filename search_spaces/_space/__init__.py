"""Reads a space: its ranges and constants, what is wrong with it, how it is said in words and in JSON."""
