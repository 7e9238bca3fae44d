"""Bounded rationality: behaviours that agents are given by name."""
