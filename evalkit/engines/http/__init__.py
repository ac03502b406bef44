"""Speech servers: what is sent to them, what comes back, and what they say of themselves."""
