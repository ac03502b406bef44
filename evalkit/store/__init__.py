"""Artefacts: what a stage made once is never made again, and proves itself when it is read."""
