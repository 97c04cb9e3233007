"""Whether now is the moment to send: a learned policy that knows that every message makes the next one weaker."""
