"""Figures of the platform beside its peers, measured in one run."""
