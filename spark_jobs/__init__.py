"""Raw events to features: ingestion, features, export of the lake, maintenance."""
