"""Landing to bronze to silver: one parse per line, identity over all history, nothing lost."""
