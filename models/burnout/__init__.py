"""Burnout, as logs show it: energy or motivation falls while load or skipping rises."""
