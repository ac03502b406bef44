"""The page of a run: one folder that opens from disk, with the numbers, the sounds and the words behind them."""
