"""What a sweep has found, worked out from its ledger alone: numbers, tables and sentences, and nothing drawn."""
