"""The correction to gamma in depth / width, fitted to the networks of width_convergence."""

from dataclasses import replace

from study.experiments import width_convergence
from study.jobs import FIRST_ORDER, Tables
from study.settings import Study


def tables(study: Study) -> Tables:
    return replace(width_convergence.tables(study), files=FIRST_ORDER)
