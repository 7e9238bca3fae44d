"""Processes that work for a run: workers, their tasks, what they print, how they end, and ctrl-C."""
