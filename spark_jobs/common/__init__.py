"""What all Spark jobs share: the session and the tables."""
