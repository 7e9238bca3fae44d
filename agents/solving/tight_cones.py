"""Rotated cones that hold with equality, as the flow of a branch does, by a sequence of convex QPs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import piqp

from gridarium.agents.solving.cone_linearisation import Curvature, Tangents
from gridarium.agents.solving.physics import Physics
from gridarium.agents.solving.places import place_of
from gridarium.agents.solving.quadratic_solver import (
    COARSE_GAP,
    FIRM_REGULARISATION,
    LAST_GAP,
    new_piqp,
    run_piqp,
    set_gap,
)
from gridarium.agents.solving.standard_form import Multipliers, Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import (
    InfeasibleError,
    PowerFlowError,
    RelaxationError,
    SolverLimitError,
    UnboundedError,
)

ROUND_LIMIT = 75
"""Quadratic programmes of one sequence; a plan that keeps all limits by then is taken as it is."""
NEAR = 1e-3
"""Most by which the completed plan of a relaxation may miss its cost, relative, and its limits."""
_ITERATION_LIMIT = 100
"""Of one QP; those that end take 20 to 50."""
_STALL_LIMIT = 5
"""Programmes of one sequence that may go unsolved."""
_STILL = 1e-5
"""Length of a step whose gain is below the rounding of the cost, in units of the squared decisions."""
_MANY = 25
"""Rounds after which limits without a price are curved a little: what is free there might wander beyond."""
_LEAST_CURVE = 1e-3
"""Least multiplier of a limit's curvature from then on, in the dearest price."""
_DEAREST = 3e4
"""Most that a decision costs in the numbers that a solver sees; dearer ones are counted in a larger unit."""
_LOSS_PRICE = 0.1
"""Price on the epigraphs that makes losses dear wherever a first point is sought, times the dearest price."""


@dataclass(frozen=True)
class Accuracy:
    """Where the sequence ends.

    Parameters
    ----------
    gain : float
        Most that a further step is thought to gain, relative to the cost.
    excess : float
        Most by which a limit may be exceeded, in its own units.
    """

    gain: float
    excess: float


ROUGH, FINE = Accuracy(1e-4, 1e-2), Accuracy(1e-8, 1e-6)
"""To compare plans, and to keep one."""


@dataclass(frozen=True)
class TightPoint:
    """A physical point, and what its last step found.

    Parameters
    ----------
    x : ndarray, shape (n_decision,)
    cone_multiplier : ndarray, shape (n_cone,)
        Positive where less of the squares would pay, negative where more of them would.
    limit_price : ndarray, shape (n_decision + n_plain_cone,)
        Size of the multipliers of all bounds of decisions and of the cones that are not rotated.
    multipliers : Multipliers
    """

    x: Array
    cone_multiplier: Array
    limit_price: Array
    multipliers: Multipliers


@dataclass(frozen=True)
class _Step:
    """The end of one QP, and the length of the way there."""

    point: TightPoint
    length: float


class TightConeSolver:
    """Successive linearisation of the equality ``sum of squares = y z``, each step completed by physics.

    Each round replaces every rotated cone by its tangent as an equality. What is convex in the Lagrangian
    (cones of positive multiplier) moves into the objective, what is concave stays linear: a convex-concave
    step. The physics then completes the point, so that each one is exact, and its cost and its excess over
    limits decide whether it is taken; else a trust region on the squared decisions shrinks. The end is a
    point that satisfies the first-order conditions, and need not be the best one.

    Parameters
    ----------
    form : StandardForm
        With a linear objective.
    physics : Physics

    Notes
    -----
    Convex-concave procedure with a trust region [1]_.

    References
    ----------
    .. [1] T. Lipp, S. Boyd, 2016, doi:10.1007/s11081-015-9294-x
    """

    def __init__(self, form: StandardForm, physics: Physics) -> None:
        self.form, self.physics = form, physics
        self.rounds = 0
        cones = form.cones
        self._rotated, self._plain = cones.subset(cones.rotated), cones.subset(~cones.rotated)
        equal = form.row_lower == form.row_upper
        self._equal, self._unequal = equal, ~equal
        self._rows = Tangents(form.rows[equal], self._rotated)
        self._limits = Tangents(form.rows[~equal], self._plain)
        self._curvature = Curvature(form.hessian, cones)
        self._implied = cones.implies_sign(form.lower, form.lower_signal)
        self._squared = np.unique(self._rotated.square[self._rotated.weight != 0.0])
        self._piqp: piqp.SparseSolver | None = None
        self._stalls = False

    def start(self, numbers: Numbers, signals: Array) -> TightPoint:
        """A physical point of little losses, found from no flow, or else from a start that physics knows.

        Raises
        ------
        RelaxationError
            If there is no physical point near those that the tangents allow.
        """
        dearest = 1.0 + float(np.abs(numbers.cost).max())
        cost = numbers.cost.copy()
        cost[self._rotated.epigraph] += _LOSS_PRICE * dearest
        n_cone, n_column = len(self.form.cones), len(self.form.cost)
        x = np.zeros(n_column)
        x[self._rotated.scale] = 1.0
        multiplier = np.where(self.form.cones.rotated, _LOSS_PRICE * dearest, 1.0)
        nothing = np.zeros(n_column + len(self._plain))
        still = TightPoint(x, multiplier, nothing, Multipliers(nothing, nothing, nothing, np.zeros(n_cone)))
        dear = numbers._replace(cost=cost)
        try:
            first = self._step(still, dear, np.inf).point
            return self.improve(first, dear, signals, ROUGH)
        except (InfeasibleError, RelaxationError, SolverLimitError) as error:
            failed = error
        for other in self.physics.starts(x, numbers):
            try:
                return self.improve(replace(still, x=other), dear, signals, ROUGH)
            except RelaxationError as error:
                failed = error
        if isinstance(failed, RelaxationError):
            raise failed
        raise _not_found(failed) from failed

    def from_relaxed(
        self, relaxed: Array, multipliers: Multipliers, numbers: Numbers, signals: Array
    ) -> TightPoint | None:
        """The relaxation's plan completed; None where this makes another plan of it."""
        try:
            x = self.physics.completed(relaxed, signals)
        except PowerFlowError:
            return None
        cost = float(numbers.cost @ relaxed)
        is_near = abs(float(numbers.cost @ x) - cost) <= NEAR * (1.0 + abs(cost))
        if not is_near or self._excess(x, numbers).max(initial=0.0) > NEAR:
            return None
        price = np.concatenate(
            [np.maximum(multipliers.lower, -multipliers.upper), -multipliers.cones[~self.form.cones.rotated]]
        )
        return TightPoint(x, -multipliers.cones, price, multipliers)

    def improve(self, point: TightPoint, numbers: Numbers, signals: Array, accuracy: Accuracy) -> TightPoint:
        """The end of the sequence from a point whose decisions may leave limits.

        Raises
        ------
        RelaxationError
            If the limits could not be kept, or no end was found.
        """
        try:
            return self._descend(self._completed(point, signals), numbers, signals, accuracy)
        except (InfeasibleError, PowerFlowError, SolverLimitError) as error:
            raise _not_found(error) from error

    def _descend(self, point: TightPoint, numbers: Numbers, signals: Array, accuracy: Accuracy) -> TightPoint:
        """Steps until the next one is thought to gain next to nothing and all limits hold."""
        # What leaves rows, as a start from elsewhere does, is mended by a step that may cost more.
        radius, mends, stalled = np.inf, True, 0
        self._stalls = False
        for number in range(ROUND_LIMIT):
            self.rounds += 1
            least = _LEAST_CURVE * (1.0 + np.abs(numbers.cost).max()) if number >= _MANY else 0.0
            try:
                step = self._step(point, numbers, radius, least)
            except InfeasibleError:
                # What is in excess needs more room to be mended.
                if not np.isfinite(radius):
                    raise
                radius, mends = radius * 4.0, True
                continue
            except SolverLimitError:
                radius, stalled = min(radius, 3.0) / 3.0, stalled + 1
                if radius < _STILL or stalled > _STALL_LIMIT:
                    raise
                continue
            try:
                new = self._completed(step.point, signals)
            except PowerFlowError:
                radius = min(radius, step.length) / 3.0
                continue
            price = 2.0 * np.maximum(point.limit_price, new.limit_price)
            excess = self._excess(new.x, numbers)
            before = numbers.cost @ point.x + price @ self._excess(point.x, numbers)
            thought = float(before - numbers.cost @ step.point.x)
            gain = float(before - numbers.cost @ new.x - price @ excess)
            scale = 1.0 + abs(float(numbers.cost @ new.x))
            if not mends and gain < -FINE.gain * scale and step.length > _STILL:
                radius = min(radius, step.length) / 3.0
                continue
            # A start that leaves rows is no end.
            ends = (new.x,) if mends else (new.x, point.x)
            point, mends = new, False
            if step.length < 0.99 * radius and abs(thought) <= accuracy.gain * scale:
                # A step that gains nothing may wander where nothing has a price, and leave a limit there.
                for end in ends:
                    if self._excess(end, numbers).max(initial=0.0) <= accuracy.excess:
                        return replace(new, x=end)
        if self._excess(point.x, numbers).max(initial=0.0) <= accuracy.excess:
            return point
        raise SolverLimitError(f"no end after {ROUND_LIMIT} rounds, {self._worst(point.x, numbers)}")

    def _completed(self, point: TightPoint, signals: Array) -> TightPoint:
        x = self.physics.completed(point.x, signals)
        return TightPoint(x, point.cone_multiplier, point.limit_price, point.multipliers)

    def _excess(self, x: Array, numbers: Numbers) -> Array:
        """By how much x leaves the bounds of decisions and the cones that are not rotated."""
        outside = np.maximum(numbers.lower - x, x - numbers.upper)
        above = self._plain.violation(x, numbers.cone_upper[~self.form.cones.rotated])
        return np.asarray(np.maximum(np.concatenate([outside, above]), 0.0))

    def _worst(self, x: Array, numbers: Numbers) -> str:
        excess = self._excess(x, numbers)
        names = (*self.form.column_names, *self._plain.names)
        return f"{place_of(self.form, names[int(excess.argmax())])} off by {excess.max():.1e}"

    def _step(self, point: TightPoint, numbers: Numbers, radius: float, least: float = 0.0) -> _Step:
        """The optimum on the tangents at a point, the squared decisions not further than a radius from it.

        Limits are curved by their multipliers, or by the least one.
        """
        x, form, squared = point.x, self.form, self._squared
        rows, right = self._rows.at(x, np.zeros(len(self._rotated)))
        limits, most = self._limits.at(x, numbers.cone_upper[~form.cones.rotated])
        curves = np.maximum(point.cone_multiplier, np.where(form.cones.rotated, 0.0, least))
        lower, upper = np.where(self._implied, -np.inf, numbers.lower), numbers.upper.copy()
        lower[squared] = np.maximum(lower[squared], x[squared] - radius)
        upper[squared] = np.minimum(upper[squared], x[squared] + radius)
        unit = max(1.0, float(np.abs(numbers.cost).max(initial=0.0)) / _DEAREST)
        hessian = self._curvature.at(x, curves / unit)
        sides = {
            "c": numbers.cost / unit - hessian @ x,
            "b": np.concatenate([numbers.row_upper[self._equal], right]),
            "h_l": np.concatenate([numbers.row_lower[self._unequal], np.full(len(most), -np.inf)]),
            "h_u": np.concatenate([numbers.row_upper[self._unequal], most]),
            "x_l": lower,
            "x_u": upper,
        }
        if self._piqp is None:
            self._piqp = new_piqp(COARSE_GAP)
            self._piqp.settings.max_iter = _ITERATION_LIMIT
            self._piqp.setup(hessian, A=rows, G=limits, **sides)
        else:
            self._piqp.update(P=hessian, A=rows, G=limits, **sides)
        self._run(self._piqp)
        new = self._read(self._piqp, unit)
        return _Step(new, float(np.abs(new.x[squared] - x[squared]).max(initial=0.0)))

    def _run(self, live: piqp.SparseSolver) -> None:
        """Solve; once the last digits of the gap have stalled, the rest of the sequence goes without them."""
        usual, found = live.settings.reg_lower_limit, SolverLimitError("no answer was found")
        ways = (COARSE_GAP, usual), (LAST_GAP, usual), (LAST_GAP, FIRM_REGULARISATION)
        try:
            for gap, regularisation in ways[self._stalls :]:
                live.settings.reg_lower_limit = regularisation
                set_gap(live, gap)
                try:
                    return run_piqp(live)
                except (SolverLimitError, UnboundedError) as error:
                    # Of limited steps at costs of a million it says, too, that they are without limit.
                    self._stalls, found = True, SolverLimitError(str(error))
            raise found
        finally:
            live.settings.reg_lower_limit = usual
            set_gap(live, COARSE_GAP)

    def _read(self, live: piqp.SparseSolver, unit: float) -> TightPoint:
        """The point and its multipliers; costs were solved in a unit of so much."""
        result, form = live.result, self.form
        pull, inner = unit * np.array(result.y), unit * (np.array(result.z_l) - np.array(result.z_u))
        n_equal, n_unequal = int(self._equal.sum()), int(self._unequal.sum())
        rows, cones = np.zeros(len(self._equal)), np.zeros(len(form.cones))
        rows[self._equal], rows[self._unequal] = -pull[:n_equal], inner[:n_unequal]
        cones[form.cones.rotated], cones[~form.cones.rotated] = pull[n_equal:], -inner[n_unequal:]
        low, high = unit * np.array(result.z_bl), unit * np.array(result.z_bu)
        price = np.concatenate([np.maximum(low, high), cones[~form.cones.rotated]])
        return TightPoint(np.array(result.x), cones, price, Multipliers(rows, low, -high, -cones))


def _not_found(error: Exception) -> RelaxationError:
    """The error of a search that has ended with another one."""
    return RelaxationError(f"no power flow keeps all limits as far as was searched: {error}")
