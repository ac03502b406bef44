"""Remote code of ours with the interface of Chroma's, to be copied beside weights by `tests/tiny_chroma.py`."""
