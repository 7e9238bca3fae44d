"""A run told to people: what happened, what is to be known first, and the page with all of it."""
