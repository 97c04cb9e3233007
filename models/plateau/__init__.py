"""Plateau: no more output at equal effort over the next four weeks."""
