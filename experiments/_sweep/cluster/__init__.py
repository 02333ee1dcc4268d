"""Other machines: code that travels to them, and sweeps that are submitted to them over HTTP."""
