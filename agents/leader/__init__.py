"""Leaders that anticipate: models of followers, their estimation, the search for the best price."""
