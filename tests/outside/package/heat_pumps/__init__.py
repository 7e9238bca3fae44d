"""A package outside the house: heat pumps that follow a tariff, a tariff, and a paper on both."""
