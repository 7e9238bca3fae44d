"""Published papers: what each states, judged by a run, and the figures that only it has."""
