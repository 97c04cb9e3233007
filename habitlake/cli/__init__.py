"""The habitlake command line."""
