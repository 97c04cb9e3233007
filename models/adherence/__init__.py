"""P(adherence in the next 7 complete local days), the first model through the lifecycle."""
