"""An engine in a process of its own: the protocol, and both of its ends."""
