"""Churn: the first of the next four weeks without any sign of use."""
