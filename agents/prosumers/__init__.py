"""Prosumers who trade with each other: sellers, buyers, ways to bargain, and the desk."""
