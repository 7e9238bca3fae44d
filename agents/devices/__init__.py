"""Agents that run a device: plants, storages and loads, most of them under an operator's command."""
