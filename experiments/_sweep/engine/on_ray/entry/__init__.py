"""The way into a cluster: which may be used, with which token, and the session while it lasts."""
