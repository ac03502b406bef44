"""Matplotlib, loaded where the first figure is drawn, and kept from speaking: about a home it may not write to, say."""

import logging
from types import ModuleType


def matplotlib() -> ModuleType:
    """Returns the library. Where its cache cannot be kept it makes one for itself, which is nobody's concern."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        import matplotlib.backends.backend_svg
        import matplotlib.figure

        return matplotlib
    finally:
        log.setLevel(level)
