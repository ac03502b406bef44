"""The page of a run: one folder that opens from disk, with the numbers, the sounds and the words behind them."""

from evalkit.reports.page.sounds import AudioChoice, HeldOut, Sources
from evalkit.reports.page.writer import PAGE_FILE, write_page

__all__ = ["PAGE_FILE", "AudioChoice", "HeldOut", "Sources", "write_page"]
