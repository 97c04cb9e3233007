"""When a workout is likely to succeed: the best windows of each of the next three local dates."""
