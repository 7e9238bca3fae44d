"""Agents of a bulk system: its operator, and the storage provider."""
