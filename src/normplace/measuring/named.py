"""Models by name: torchvision:NAME, timm:NAME, transformers:TYPE, and package.module:callable of the user."""

import difflib
import importlib
import sys
from collections.abc import Mapping
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normplace.data.vision import import_torchvision, mend_torchvision
from normplace.errors import UserError
from normplace.measuring.blame import blamed
from normplace.measuring.builders import Builder
from normplace.measuring.points import Points

FORMS = (
    "allowed are torchvision:NAME, timm:NAME, transformers:TYPE, and package.module:callable such as my_models:build"
)


def find_model(
    name: str, points: Points, classes: int | None = None, arguments: Mapping[str, Any] | None = None
) -> Builder | nn.Module:
    """The builder, or the module, that a name stands for.

    points: what it is to be given; torchvision's ViTs, timm's and transformers' models are built for their size.
    classes: how many outputs a model of these packages gets (None: its own default). arguments: of the callable, or
    of the model in its package. Modules are looked for in the current folder too.

    Raises:
        UserError: there is none of that name, an import fails, or a package is not installed.
    """
    package, _, attribute = name.partition(":")
    given = dict(arguments or {})
    if not package or not attribute or package.endswith(".py") or "/" in package:
        raise UserError(FORMS)
    if package == "torchvision":
        return _of_torchvision(attribute, points, classes, given)
    if package == "timm":
        return _of_timm(attribute, points, classes, given)
    if package == "transformers":
        return _of_transformers(attribute, points, classes, given)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    mend_torchvision()  # the module may import it
    try:
        with blamed(f"importing {package}"):
            module: Any = importlib.import_module(package)
    except UserError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and package.startswith(str(error.__cause__.name)):
            raise UserError(f"there is no module {error.__cause__.name} in the current folder or installed") from None
        raise
    if torch.get_default_device().type == "meta":
        raise UserError(f"importing {package} sets torch's default device to meta, where there are no weights")
    found: Any = module
    for part in attribute.split("."):
        try:
            with blamed(f"{package}'s {attribute}"):
                found = getattr(found, part)
        except UserError as error:
            if not isinstance(error.__cause__, AttributeError):
                raise
            raise UserError(f"{package} has no {attribute}{_close(part, dir(found))}") from None
    if not callable(found):
        raise UserError(
            f"{attribute} is of type {type(found).__name__}, but a callable that returns a module is needed"
        )
    if given and isinstance(found, nn.Module):
        raise UserError(f"--model-arg {next(iter(given))}: {attribute} is a module already; name what builds it")
    model: Builder | nn.Module = partial(found, **given) if given else found
    return model


def _of_torchvision(name: str, points: Points, classes: int | None, arguments: dict[str, Any]) -> Builder:
    models = import_torchvision().models
    known = models.list_models()
    if name not in known:
        raise UserError(f"torchvision has no model {name}{_close(name, known)}")
    given: dict[str, Any] = {"weights": None}
    if name in models.list_models(module=models):  # the classifiers; segmentation, video and others are elsewhere
        given |= {} if classes is None else {"num_classes": classes}
        given |= {"image_size": _side(points)} if name.startswith("vit_") and _side(points) is not None else {}
    elif "weights_backbone" in signature(models.get_model_builder(name)).parameters:
        given["weights_backbone"] = None  # nothing is downloaded
    return partial(models.get_model, name, **(given | arguments))


def _of_timm(name: str, points: Points, classes: int | None, arguments: dict[str, Any]) -> Builder:
    timm = _package("timm")
    known = timm.list_models()
    if name.partition(".")[0] not in known:
        raise UserError(f"timm has no model {name}{_close(name, known)}")
    x, settings = points.first, timm.get_pretrained_cfg(name)
    is_fixed = settings is not None and settings.fixed_input_size
    options = {
        "num_classes": classes,
        "in_chans": x.shape[1] if x.ndim == 4 and x.shape[1] != 3 else None,
        "img_size": _side(points) if is_fixed else None,
    }
    given = {option: value for option, value in options.items() if value is not None}
    return partial(timm.create_model, name, **({"pretrained": False} | given | arguments))


def _of_transformers(name: str, points: Points, classes: int | None, arguments: dict[str, Any]) -> Builder:
    transformers = _package("transformers")
    transformers.logging.set_verbosity_error()
    path = Path(name)
    if path.suffix == ".json" or path.is_dir():
        with blamed(f"reading {path}"):
            config = transformers.AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
            _refuse_unknown(arguments, config)
            for key, value in arguments.items():
                setattr(config, key, value)
    else:
        known = list(transformers.models.auto.configuration_auto.CONFIG_MAPPING_NAMES)
        if name not in known:
            raise UserError(f"transformers has no model type {name}{_close(name, known)}; or give a config.json")
        x = points.first
        sizes = {"image_size": _side(points), "num_channels": x.shape[1] if x.ndim == 4 else None}
        with blamed(f"the configuration of {name}"):
            usual = transformers.AutoConfig.for_model(name)
            _refuse_unknown(arguments, usual)
            fitting = {key: value for key, value in sizes.items() if value is not None and hasattr(usual, key)}
            labels = {"num_labels": classes} if classes is not None else {}
            config = transformers.AutoConfig.for_model(name, **(labels | fitting | arguments))
    return partial(_auto_model(transformers, config, points, classes is not None), config)


def _refuse_unknown(arguments: dict[str, Any], config: Any) -> None:
    """Refuse what the configuration of a model does not have, which transformers would take and not use."""
    for key in arguments:
        if not hasattr(config, key):
            close = _close(key, [*config.to_dict(), *config.attribute_map])
            raise UserError(f"--model-arg {key}: the configuration of {config.model_type} has no {key}{close}")


def _auto_model(transformers: Any, config: Any, points: Points, is_labelled: bool) -> Any:
    """from_config of the class that the config names, or that fits the inputs."""
    named = [getattr(transformers, name, None) for name in getattr(config, "architectures", None) or []]
    if named and named[0] is not None:
        return named[0]._from_config
    kinds = ["ImageClassification"] if points.first.ndim == 4 else []
    causal = transformers.MODEL_FOR_CAUSAL_LM_MAPPING.keys()
    masked = transformers.MODEL_FOR_MASKED_LM_MAPPING.keys()
    if not points.first.is_floating_point():
        # What fills in masks is an encoder, though it can be made a decoder.
        decoder = ["CausalLM"] if type(config) in causal and type(config) not in masked else []
        kinds += ["SequenceClassification", *decoder, "MaskedLM"] if is_labelled else [*decoder, "MaskedLM"]
        kinds += ["SequenceClassification"]
    for kind in kinds:
        auto = getattr(transformers, f"AutoModelFor{kind}")
        if type(config) in auto._model_mapping:
            return partial(auto.from_config, trust_remote_code=False)  # a config.json may name code beside it
    return partial(transformers.AutoModel.from_config, trust_remote_code=False)


def _package(name: str) -> Any:
    mend_torchvision()
    try:
        with blamed(f"importing {name}"):
            return importlib.import_module(name)
    except UserError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            raise UserError(f"{name} is not installed here: pip install {name}") from None
        raise


def _side(points: Points) -> int | None:
    x = points.first
    return x.shape[3] if x.ndim == 4 and x.shape[2] == x.shape[3] else None


def _close(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known)
    return f"; close names are {', '.join(close)}" if close else ""
