"""One image: is it usable, what is in it, and what is made of it."""
