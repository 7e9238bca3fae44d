"""Parts of a grid: each file holds a section of a scenario, and how it becomes agents."""
