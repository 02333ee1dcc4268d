"""What is remembered: one append-only file per sweep, its records, and the state folded from them."""
