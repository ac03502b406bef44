"""Engines: one file each; `base.py` is the seam that they share."""
