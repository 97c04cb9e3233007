"""What will happen: one folder per model, and the lifecycle they share."""
