"""The networks as ordinary nn.Modules. The MLP is the reference that the fast sampler is tested against."""

from torch import nn

from normplace.architecture import MLP

ACTIVATION_MODULES: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
NORM_MODULES: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "rms": nn.RMSNorm}


def mlp(spec: MLP, inputs: int) -> nn.Sequential:
    """The MLP as a module [n, inputs] -> [n, classes], He-initialised from torch's global generator.

    Each hidden layer is linear, norm, activation (placement "before") or linear, activation, norm ("after").
    """
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [spec.width] * (spec.depth - 1):
        layers.append(nn.Linear(fan_in, spec.width))
        if spec.placement == "before":
            layers.append(NORM_MODULES[spec.norm](spec.width))
        layers.append(ACTIVATION_MODULES[spec.activation]())
        if spec.placement == "after":
            layers.append(NORM_MODULES[spec.norm](spec.width))
    network = nn.Sequential(*layers, nn.Linear(spec.width, spec.classes))
    initialise(network)
    return network


def initialise(network: nn.Module) -> None:
    """He-normal weights N(0, 2/fan_in) and zero biases in every linear layer, drawn from the global generator."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
