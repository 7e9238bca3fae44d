"""The rules agents meet under: tariffs, carbon signals, negotiations, settlement."""

if __name__ != "gridarium.market":
    raise ImportError("import gridarium.market, not market")
