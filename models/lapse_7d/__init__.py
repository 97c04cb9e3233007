"""Lapse: no session at all in the coming week."""
