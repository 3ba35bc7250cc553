"""Products by oneDNN against torch's own, forwards and backwards."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from normplace.networks import products


@pytest.mark.parametrize("has_onednn", [products.HAS_ONEDNN, False])
def test_the_products_are_those_of_torch(has_onednn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "HAS_ONEDNN", has_onednn)
    x, weight, bias = torch.randn(70, 33), torch.randn(20, 33), torch.randn(20)
    torch.testing.assert_close(products.linear(x, weight), F.linear(x, weight), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(products.linear(x, weight, bias), F.linear(x, weight, bias), rtol=1e-5, atol=1e-5)
    views = products.linear(x.T, torch.randn(70, 5).T)  # not contiguous
    assert views.shape == (33, 5)
    tokens = torch.randn(6, 33, 7).transpose(1, 2)
    torch.testing.assert_close(products.linear(tokens, weight, bias), F.linear(tokens, weight, bias))
    for networks in (1, 3):
        a, b = torch.randn(networks, 70, 33), torch.randn(networks, 33, 20)
        torch.testing.assert_close(products.batched(a, b), a @ b, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(products.batched(a[:1], b), a[:1] @ b, rtol=1e-5, atol=1e-5)
    assert products.linear(x.double(), weight.double()).dtype == torch.float64


@pytest.mark.parametrize("shape", [(70, 33), (70, 5, 33)])
def test_the_gradients_are_those_of_torch(shape: tuple[int, ...]) -> None:
    ours = nn.Sequential(products.Linear(33, 20), nn.Tanh(), products.Linear(20, 4))
    plain = nn.Sequential(nn.Linear(33, 20), nn.Tanh(), nn.Linear(20, 4))
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(shape, requires_grad=True)
    y = torch.randint(4, shape[:-1])
    losses = [F.cross_entropy(network(x).movedim(-1, 1), y) for network in (ours, plain)]
    gradients = [
        torch.autograd.grad(loss, [x, *network.parameters()])
        for loss, network in zip(losses, (ours, plain), strict=True)
    ]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert all(gradient.abs().max() > 1e-4 for gradient in gradients[0])
