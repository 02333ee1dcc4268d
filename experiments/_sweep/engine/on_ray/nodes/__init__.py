"""The nodes of a cluster: what they hold, which come and go, and whether trials can run there."""
