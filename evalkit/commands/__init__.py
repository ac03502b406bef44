"""The commands: what is typed, what is printed, what is exited with. One file each."""
