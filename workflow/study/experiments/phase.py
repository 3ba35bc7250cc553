"""Regimes over weight and bias variance: theory's diagram, and sampled networks at some of its places."""

from typing import Annotated

from pydantic import Field

from study.jobs import PHASE, Tables, initial_data, sample
from study.library import CELLS
from study.settings import SOME, UNIQUE, Activation, OnFirstPoints, Study, TwoOrMore

Place = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2)]


class Settings(OnFirstPoints):
    """Sampled networks. places: pairs of a weight and a bias variance, of every activation and cell."""

    depth: TwoOrMore
    inits: TwoOrMore
    activations: Annotated[list[Activation], SOME, UNIQUE]
    places: Annotated[list[Place], SOME]


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    data, same = initial_data(study, own.dataset), {"depth": own.depth, "inits": own.inits, "points": own.points}
    samples = [
        sample(
            study, "phase", f"{activation}-{weight:g}-{bias:g}", data, cell, activation=activation,
            weight_variance=weight, bias_variance=bias, **same,
        )
        for activation in own.activations
        for weight, bias in own.places
        for cell in CELLS.values()
    ]  # fmt: skip
    return Tables(files=PHASE, samples=samples)
