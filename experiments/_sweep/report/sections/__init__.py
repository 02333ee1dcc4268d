"""The sections of a page about one sweep, each made of what the analysis gives."""
