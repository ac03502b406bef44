"""What people have already, as voices: one file a kind of source, one rule that parts prompts from held-out clips."""
