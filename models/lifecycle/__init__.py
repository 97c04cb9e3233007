"""Dataset, metrics, registry and promotion: what every model shares."""
