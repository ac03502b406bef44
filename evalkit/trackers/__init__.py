"""Trackers: what a run tells the tools in which people keep their experiments, while it goes on and at its end."""
