"""The ledger of nights: what each night read, which versions were in force, and which nights are stale."""
