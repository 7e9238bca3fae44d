"""Benchmarks, and the reference solvers and random instances that they and the tests compare with."""
