"""gamma by its definition, and its error by another way than the one in use: networks drawn again, many times."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normplace.statistics import Array, bootstrap


def gamma(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any]) -> Array:
    """Var_W(E_x f_c) / E_W(Var_x f_c), both pooled over outputs: [..., inits, classes] -> [...]."""
    between = output_mean.astype(np.float64).var(axis=-2, ddof=1).mean(axis=-1)
    return np.asarray(between / output_var.astype(np.float64).mean(axis=(-2, -1)))


def bootstrap_gamma(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any], resamples: int, seed: int) -> Array:
    """gamma of bootstrap samples of networks, the same ones at every depth: [..., inits, C] -> [resamples, ...]."""
    draws = bootstrap(output_mean.shape[-2], resamples, seed)
    return np.stack([gamma(output_mean[..., row, :], output_var[..., row, :]) for row in draws])
