"""Data by reference, the tool's side: pins it, checks it, names what changed, lends it to runs."""
