"""Agents of a bulk system: its operator, plants, wind, loads, and the storage provider."""
