"""What may pass each boundary: Great Expectations suites, fail or warn."""
