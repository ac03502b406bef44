"""Networks whose architecture is written here, for engines and judges alike; weights come from `weights`."""
