"""Injury risk: an injury reported within four weeks, from logs alone."""
