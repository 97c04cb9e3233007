"""What sending does: the nightly response model that the policy draws from."""
