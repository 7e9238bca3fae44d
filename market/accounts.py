"""The chart of accounts: who is paid beside the agents, and what for; one name each for all levels."""

from __future__ import annotations

# Counterparties that are no agents, or need not be.
UPSTREAM = "upstream-market"
REAL_TIME_MARKET = "real-time-market"
CARBON_MARKET = "carbon-market"
DAY_AHEAD_MARKET = "day-ahead-market"
FUEL_SUPPLIERS = "fuel-suppliers"
MAINTENANCE = "maintenance"

REPLICAS = "replicas"
"""In the scope of a grid: the equal grids that stand behind the same place."""

# Energy at a grid's head, and in real time within a grid.
PURCHASE, EXPORT = "head energy", "head feed-in"
REAL_TIME = "real-time energy"
DAY_AHEAD, IMBALANCE = "day-ahead energy", "imbalance"

# Energy and services within a grid.
RETAIL = "retail"
TRUE_UP = "true-up"
GENERATION = "generation"
DISCHARGE, CHARGE = "discharged energy", "charged energy"
DEMAND_RESPONSE = "demand response"
WEAR_COMPENSATION = "wear compensation"
STORAGE_COMPENSATION = "storage compensation"

# Energy over leased lines.
PERSONAL_CARBON = "personal carbon ladder"
LINE_ENERGY, LINE_FEE, DEFAULT = "line energy", "line fee", "default"
POOL_CALL = "pool call"

# Services on a feeder, which its operator passes on to the system above.
SERVICE_WEAR, SERVICE_ENERGY, SERVICE_CALL = "service wear", "service energy", "service pool call"

# Carbon that followers answer for together.
POOLED_CARBON, POOL_FEE = "pooled carbon", "pool fee"

# Storages that an operator commands together.
POOL_VALUE, POOL_SHARE = "pooled saving", "pool share"

# What supply costs.
FUEL, START_STOP, WEAR, CARBON = "fuel", "start-stop", "wear", "carbon"

# Energy and cleanness of the regions of a feeder.
REGION_PURCHASE, REGION_SALE = "regional energy", "regional feed-in"
ENVIRONMENTAL_PAYMENT = "environmental payment"
