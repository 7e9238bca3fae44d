"""What agents live in: clock, message bus, feeder, physics, carbon flow, storage, ledger."""

if __name__ != "gridarium.environment":
    raise ImportError("import gridarium.environment, not environment")
