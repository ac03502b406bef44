"""Writers and readers of what a run leaves: files, tables for the terminal."""
