"""Next-byte guesses of untrained decoders: on a real text, on its bytes shuffled, on random bytes and embeddings."""

from typing import Annotated

from normplace.networks.language import CELLS as DECODER_CELLS
from normplace.networks.language import STYLES
from study.jobs import MODELS as TABLE
from study.jobs import Measurement, Tables
from study.settings import SOME, UNIQUE, Count, Model, Study, TwoOrMore, one_of

TEXT = "sklearn"  # the package whose texts are read: its version is in the lock, so the text is always the same


class Settings(Model):
    """Decoders by style and cell; points of so many positions each; networks of each."""

    styles: Annotated[list[Annotated[str, one_of(STYLES)]], SOME, UNIQUE]
    cells: Annotated[list[Annotated[str, one_of(DECODER_CELLS)]], SOME, UNIQUE]
    depth: Count
    width: Annotated[int, TwoOrMore]
    positions: Count
    points: TwoOrMore
    inits: TwoOrMore


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    arguments = {"style": own.styles, "cell": own.cells, "depth": [str(own.depth)], "width": [str(own.width)]}
    inputs = {"text": f"text:{TEXT},{own.positions}", "embeddings": f"gaussian:{own.positions}x{own.width}"}
    measurements = [
        Measurement(
            experiment="language",
            data=data,
            name=name,
            models=("normplace.networks.language:decoder",),
            vary=tuple((argument, tuple(values)) for argument, values in arguments.items()),
            points=own.points,
            inits=own.inits,
            contrast=name == "text",
            seed=study.seed,
        )
        for name, data in inputs.items()
    ]
    return Tables(files=TABLE, measurements=measurements)
