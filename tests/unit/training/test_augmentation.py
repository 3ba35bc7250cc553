"""Random crops and flips against torchvision's, image by image."""

import torch

from normplace.data.vision import import_torchvision
from normplace.networks.random import network_generator
from normplace.training.augmentation import MARGIN, draw_moves, moved


def test_as_torchvision_pads_cuts_and_flips() -> None:
    transforms = import_torchvision().transforms.functional
    x = torch.randn(30, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    moves = draw_moves(30, torch.Generator().manual_seed(1))
    assert 5 < int(moves.flipped.sum()) < 25
    ours = moved(x, moves)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    for at, image in enumerate(x):
        padded = transforms.pad(image, MARGIN, padding_mode="reflect")
        expected = transforms.crop(padded, int(moves.down[at]), int(moves.right[at]), 9, 12)
        expected = transforms.hflip(expected) if moves.flipped[at] else expected
        assert torch.equal(ours[at], expected)


def test_every_cut_is_as_likely_as_any_other() -> None:
    moves = draw_moves(8100, network_generator(0, 0))
    counts = (9 * moves.down + moves.right).bincount(minlength=81).double()
    assert len(counts) == 81
    assert float(((counts - 100) ** 2 / 100).sum()) < 138.3  # chi-square of 80 degrees of freedom, 1 in 20,000
    assert abs(float(moves.flipped.double().mean()) - 0.5) < 4 * (0.25 / 8100) ** 0.5
