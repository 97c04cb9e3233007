"""The queue of decisions to send: a Postgres table that clients claim from, and the files beside it."""
