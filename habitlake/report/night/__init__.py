"""The page of a night: is the platform well, do people train, are the models right, what was decided."""
