"""Constraint families that more than one local problem uses, one file for each kind.

A family is a function of variables of a Pyomo model and gives a constraint; the problem gives that its name,
which errors tell. Variables are indexed by (unit, period), or by the period alone where there is one unit;
periods count from 0. Ratings, signals and the length of a period are arguments, so that a family serves
feeders and systems, hours and quarter-hours.
"""
