"""Who behaves how: behaviours from a scenario, mixed populations, parameters drawn for each agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np

from gridarium.agents.behaviour import Behaviour, Composed
from gridarium.environment.parameters import ParameterRange, allowed_values
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.names.registry import load, make
from gridarium.experiments.schema.behaviours import Behaviour as BehaviourSection
from gridarium.experiments.schema.behaviours import Mixture, distribution_of


class Population(Protocol):
    """Agents that are alike but for how they behave."""

    @property
    def behaviour(self) -> Sequence[BehaviourSection]:
        """Of those that belong to no part of the mixture."""

    @property
    def mixture(self) -> Sequence[Mixture]:
        """Parts that behave in another way."""


def behaviours_of_class(
    group: Population, kind: str, names: Sequence[str], streams: RandomStreams
) -> list[Behaviour]:
    """One behaviour for each agent of a class, parameters drawn.

    Who belongs to which part of a mixture is drawn once from the stream of the class: the agents that
    a part has at a small share are among those that it has at a larger one.

    Parameters
    ----------
    group : Population
    kind : str
        Name of the class.
    names : sequence of str
        Of its agents.
    streams : RandomStreams
    """
    order = streams.stream(f"{kind}/behaviour/mixture").permutation(len(names))
    bounds = np.round(np.cumsum([0.0, *(part.share for part in group.mixture)]) * len(names)).astype(int)
    sections = [group.behaviour] * len(names)
    for part, first, stop in zip(group.mixture, bounds, bounds[1:], strict=False):
        for place in order[first:stop]:
            sections[place] = part.behaviour
    return [behaviour_of(name, items, streams) for name, items in zip(names, sections, strict=True)]


def behaviour_of(agent: str, sections: Sequence[BehaviourSection], streams: RandomStreams) -> Behaviour:
    """The behaviour of one agent, parameters drawn from its own streams.

    Raises
    ------
    ScenarioError
        If a behaviour does not take its parameters, or a drawn one is outside its range.
    """
    made = []
    for place, item in enumerate(sections):
        kind = cast("type[Behaviour]", load("behaviours", item.name))
        purpose = f"{agent}/behaviour/{place}/{item.name}"
        params = {
            name: _drawn(value, allowed_values(kind).get(name), streams, f"{purpose}/{name}")
            for name, value in item.params.items()
        }
        made.append(make("behaviours", item.name, params, f"behaviour {item.name} of agent {agent}"))
    return made[0] if len(made) == 1 else Composed(made) if made else Behaviour()


def _drawn(value: Any, allowed: object, streams: RandomStreams, purpose: str) -> Any:
    """The value, or a draw if it is a distribution; by its quantile, so that cases share their draws."""
    distribution = distribution_of(value)
    if distribution is None:
        return value
    (drawn,) = distribution.at(np.array([streams.stream(purpose).random()]))
    return round(drawn) if isinstance(allowed, ParameterRange) and allowed.whole else drawn
