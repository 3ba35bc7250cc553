"""The networks as ordinary nn.Modules. The MLP is the reference that the fast sampler is tested against."""

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,  # the exact one
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
GAIN = 2**0.5  # He-normal weights, whatever the activation, output layer too (the authors' setting)


def mlp(
    inputs: int,
    classes: int,
    *,
    norm: str,
    placement: str,
    depth: int,
    width: int = 100,
    activation: str = "relu",
) -> nn.Sequential:
    """An MLP of `depth` hidden layers, [n, inputs] -> [n, classes], He-initialised, biases 0.

    Each hidden layer is linear, norm, activation (placement "before") or linear, activation, norm ("after").
    """
    norms: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "rms": nn.RMSNorm}
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [width] * (depth - 1):
        layers.append(nn.Linear(fan_in, width))
        if placement == "before":
            layers.append(norms[norm](width))
        layers.append(ACTIVATIONS[activation]())
        if placement == "after":
            layers.append(norms[norm](width))
    network = nn.Sequential(*layers, nn.Linear(width, classes))
    initialise(network)
    return network


def initialise(network: nn.Module) -> None:
    """He-normal weights N(0, 2/fan_in) and zero biases in every linear layer, drawn from the global generator."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
