"""Daily session: whether a person trains on each of the seven days ahead."""
