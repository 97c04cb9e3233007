"""Personal goals: how a person answers to goals, and which one to set for the next seven days."""
