"""Experiment trackers that a program uses: what their runs carry of nixrepro, and what it records.

Nothing here is imported before a program imports a tracker, and no tracker before a program does.
"""
