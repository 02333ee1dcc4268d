"""Images: stored decoded or streamed, split into parts, normalized per batch."""
