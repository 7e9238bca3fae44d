"""Agents of a feeder: its operator, consumers, and storage owners."""
