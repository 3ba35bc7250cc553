"""Every norm at every placement, for tests that run over all of them."""

import pytest

from normplace.networks.architecture import configurations

CELLS = configurations()
CELL_NAMES = ["-".join(cell) for cell in CELLS]
every_cell = pytest.mark.parametrize(("norm", "placement"), CELLS, ids=CELL_NAMES)
