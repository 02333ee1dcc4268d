"""The networks, one file each. Adding one means adding a file and its name to a trainable's `model`."""
