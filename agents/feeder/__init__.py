"""Agents of a feeder: its operator and consumers, and how they plan."""
