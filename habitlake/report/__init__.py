"""Pages for people: a night, and one person, each a single HTML file that needs nothing else to be read."""
