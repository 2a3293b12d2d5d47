"""The tool's side of experiment trackers; none of them is imported before it is needed."""
