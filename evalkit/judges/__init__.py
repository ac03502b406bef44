"""Judges: the models that score; one file each, `base.py` has the seams."""
