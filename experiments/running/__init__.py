"""From a checked scenario to results: the world is built, cases are run and certified, a folder is left."""
