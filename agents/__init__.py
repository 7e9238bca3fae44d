"""Who decides: one file per kind of agent, and its local optimisation problem beside it."""

if __name__ != "gridarium.agents":
    raise ImportError("import gridarium.agents, not agents")
