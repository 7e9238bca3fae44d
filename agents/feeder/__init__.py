"""Agents of a feeder: its operator, consumers, storage owners, plants, and the market upstream."""
