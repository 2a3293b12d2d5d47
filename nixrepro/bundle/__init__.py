"""Bundles: a run with all that launching it again needs, in one file or folder."""
