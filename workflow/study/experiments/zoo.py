"""Well-known models of torchvision and timm, untrained, as `normplace measure` sees them."""

from typing import Annotated

from study.jobs import MODELS as TABLE
from study.jobs import Measurement, Tables, initial_data
from study.library import MODELS
from study.settings import SOME, ImageDataset, OnFirstPoints, Study, TwoOrMore, one_of


class Settings(OnFirstPoints):
    """Initialisations by model."""

    dataset: ImageDataset
    inits: Annotated[dict[Annotated[str, one_of(MODELS)], TwoOrMore], SOME]


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    data = initial_data(study, own.dataset, "all")  # ten output nodes a network say more about gamma
    # Models with as many networks are measured together where the scale says so.
    groups = [[name for name in MODELS if own.inits.get(name) == inits] for inits in sorted(set(own.inits.values()))]
    together = groups if study.cells_together else [[name] for group in groups for name in group]
    measurements = [
        Measurement(
            experiment="zoo",
            data=data,
            name=group[0] if len(group) == 1 else f"{own.inits[group[0]]}-networks-each",
            models=tuple(MODELS[name] for name in group),
            points=own.points,
            inits=own.inits[group[0]],
            seed=study.seed,
        )
        for group in together
    ]
    return Tables(files=TABLE, measurements=measurements)
