"""What is wrong with this machine, and the command that mends it: the command, and one file a family of checks."""
