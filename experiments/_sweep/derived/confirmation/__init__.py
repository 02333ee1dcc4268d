"""Is the winner real? The leading configurations and the defaults on fresh seeds, judged; and the winner's refit."""
