"""The page of one person: what is known of them, and what was decided for them and why."""
