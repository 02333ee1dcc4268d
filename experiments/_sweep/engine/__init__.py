"""What makes trials run: the conductor decides and remembers, Ray (or this process) trains."""
