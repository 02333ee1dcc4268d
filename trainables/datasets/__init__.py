"""The data sets, one file each: what it is, where its files lie, how they are read. Adding one means adding a file."""
