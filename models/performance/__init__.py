"""Performance: sessions a week over the next four weeks, with an interval."""
