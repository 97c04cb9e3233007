"""The queue of decisions to carry out: claim with a lease, ack, fail, expiry; rows live in Postgres."""
