"""The sweep on Ray: the session, Tune's three places where it calls us, and watching over processes and cluster."""
