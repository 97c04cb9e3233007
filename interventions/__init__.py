"""What to do: who can be helped tomorrow, with what, and with which probability it is sent."""
