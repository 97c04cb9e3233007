"""Silver to gold: the ledger of facts per local day, and the features of each person as known on the night."""
