"""A backup in a folder: the rows of one moment, the bytes that they name, and a manifest that makes it whole."""
