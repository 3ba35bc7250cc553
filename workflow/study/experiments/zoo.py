"""Well-known models of torchvision, untrained, as `normplace measure` sees them."""

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
    inits = {model: own.inits[model] for model in MODELS if model in own.inits}
    measurements = [
        Measurement(experiment="zoo", model=model, data=data, points=own.points, inits=number, seed=study.seed)
        for model, number in inits.items()
    ]
    return Tables(files=TABLE, measurements=measurements)
