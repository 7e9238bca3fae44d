"""Certificates of who belongs to a pool: classes and scores, announcements, joining and leaving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.outage_certificates import may_depart
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.storage.coalition_reference import class_name
from gridarium.experiments.evidence.storage.pool_book import MOST_TABULATED, PoolBook, books, shares_by_rule
from gridarium.experiments.results.records import Reading

_SCORE = 1e-6
_NOISE_MONEY = 0.01
"""Differences of money a day for which nobody moves."""
_ROUNDING = 1e-6


def fitness(known: GridEvidence) -> Iterator[Reading]:
    """Scores, classes and sub-pools from ratings and meters, and members as who is enrolled and fit."""
    if may_depart(known):
        # What is inside as a day begins is not what was planned.
        return
    for title, book in books(known):
        first, wrong, apart = _first_mwh(known, book), 0, [0.0]
        score, enrolled, member = (book.told(name) for name in ("score", "enrolled", "member"))
        classes, places = book.labels("storage_class"), book.told("sub_pool")
        unions = book.unions(book.section.sub_pools, book.owners)
        for name, unit in book.units.items():
            right, own = _score(book, name, first[name]), class_name(unit, book.section)
            answered = np.isfinite(score[name])
            apart += np.abs(score[name] - right)[answered].tolist()
            fit = (right >= book.section.score_min) & bool(book.section.tasks.get(own, ()))
            is_member = (enrolled[name] > 0.0) & fit & answered
            place = next(k + 1 for k, union in enumerate(unions) if name in union)
            wrong += int((is_member != (member[name] > 0.0)).sum() + (places[name] != place).sum())
            wrong += sum(one != own for one in classes[name])
        yield Reading(
            f"scores of the {title}", max(apart), _SCORE, "", True,
            "largest error of a score by what was inside, health and speed (A10)",
        )  # fmt: skip
        yield Reading(
            f"members of the {title}", float(wrong), 0.0, "", True,
            "how often an owner was member without being enrolled and fit, or the other way round, or was in "
            "another class or sub-pool than its ratings say (A9, A10)",
        )  # fmt: skip


def _score(book: PoolBook, name: str, e_mwh: Array) -> Array:
    """A10, shape (n_day,)."""
    unit, section = book.units[name], book.section
    low = (unit.soc_min + unit.pooling.reserve_share) * unit.e_max_mwh
    high = unit.soc_max * unit.e_max_mwh
    room = np.minimum(e_mwh - low, high - e_mwh) / (0.5 * (high - low))
    speed = max(0.0, 1.0 - unit.pooling.response_s / section.response_reference_s)
    weighted = section.soc_weight * room + section.health_weight * unit.pooling.soh
    return np.asarray(weighted + section.speed_weight * speed)


def _first_mwh(known: GridEvidence, book: PoolBook) -> dict[str, Array]:
    """What was in each storage as each day began, MWh, by its meter."""
    done, found = rows_of(known.tables, "storages", "storage"), dict[str, Array]()
    for name, unit in book.units.items():
        own = done[done["agent"] == name].sort_values("period")["e_mwh"].to_numpy(dtype=float)
        held = own.reshape(book.n_day, -1)[:, -1]
        found[name] = np.concatenate([[unit.soc_initial * unit.e_max_mwh], held[:-1]])
    return found


def announcements(known: GridEvidence) -> Iterator[Reading]:
    """Shares that owners were told they would have, by the newest values and who was enrolled."""
    for title, book in books(known):
        told, enrolled, by_group = (
            book.told("announced_money"),
            book.inside("enrolled"),
            book.total("by_group"),
        )
        apart, size = list[float](), 1.0
        for day in range(book.n_day):
            game = _newest(book, day)
            if game is None:
                known_too_early = any(np.isfinite(told[name][day]) for name in book.owners)
                apart.append(np.inf if known_too_early else 0.0)
                continue
            before = enrolled[day] if by_group[day] > 0.0 else enrolled[day - 1]
            for name in book.owners:
                company = before | {name} if len(book.owners) <= MOST_TABULATED else frozenset(book.owners)
                expected = shares_by_rule(book, game, company)
                if expected is not None:
                    right = expected[name] + abs(expected[name]) * book.section.overstatement
                    apart.append(abs(float(told[name][day]) - right))
                    size = max(size, abs(right))
        if apart:
            yield Reading(
                f"announcements of the {title}", float(np.max(apart)), _ROUNDING * size, "money", True,
                "largest difference of a share that was announced and the rule by its definition, from the "
                "newest values as a day was planned, with what the pool adds to it",
            )  # fmt: skip


def _newest(book: PoolBook, day: int) -> int | None:
    """Game of the newest day that was settled as a day was planned: that before the day before."""
    return int(book.total("game")[day - 2]) if day >= 2 else None


def choices(known: GridEvidence) -> Iterator[Reading]:
    """Whether owners who compare shares exactly, or by a margin, joined and left for a gain."""
    for title, book in books(known):
        enrolled, by_group = book.inside("enrolled"), book.total("by_group")
        contrary = changes = 0
        for day in range(1, book.n_day):
            if by_group[day] > 0.0:
                contrary += _loses_by_leaving(book, day)
                changes += 1
                continue
            moved = enrolled[day] ^ enrolled[day - 1]
            contrary += sum(_is_contrary(book, name, day, name in enrolled[day]) for name in moved)
            contrary += len(moved) > 1 and day > 1 and book.section.revisions == "one-a-day"
            changes += len(moved)
        if book.n_day > 1:
            yield Reading(
                f"joining of the {title}", float(contrary), 0.0, "", True,
                "owners who joined for a loss, or left for a gain, by what was announced and what they "
                "forgo; groups in which one loses by leaving; days on which more than one changed its mind "
                "though one may",
                f"{changes} changes",
            )  # fmt: skip


def _is_contrary(book: PoolBook, name: str, day: int, joins: bool) -> bool:
    """Whether an owner's change is none that its rule allows."""
    pooling = book.units[name].pooling
    margin = _margin(pooling.joining, pooling.params)
    gain = float(book.told("announced_money")[name][day]) - pooling.effort_money
    gain -= 0.0 if book.compensates else float(book.told("alone_money")[name][day])
    if margin is None or np.isnan(gain):
        return False
    least = margin - _ROUNDING * max(1.0, abs(gain))
    return not (gain > least if joins else gain < -least)


def _margin(rule: str, params: Mapping[str, object]) -> float | None:
    """By what an owner must gain to move; None where it goes by something else."""
    if rule == "exact":
        return _NOISE_MONEY
    return max(_NOISE_MONEY, float(str(params.get("margin_money", 10.0)))) if rule == "margin" else None


def _loses_by_leaving(book: PoolBook, day: int) -> int:
    """1 where somebody in a group that made itself the pool does not gain by the newest values, else 0.

    A group finds itself by the report of the newest day that is settled; where the operator plays, its own
    share beside what owners get is not looked at.
    """
    game = _newest(book, day)
    if game is None:
        return 1
    group, before = book.inside("enrolled")[day], book.inside("member")[day - 2]
    now, then = shares_by_rule(book, game, group), shares_by_rule(book, game, before)
    if now is None or then is None:
        return 0
    return int(any(now[name] <= then[name] for name in group & before))
