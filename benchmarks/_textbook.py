"""A textbook CycleGAN: what a reader of the paper writes, on the networks of ours.

One forward pass for each term, torch's InstanceNorm2d, Adam as torch gives it by default.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from imbench.methods._cyclegan import CycleGAN

__all__ = ["Textbook"]

BETAS = (0.5, 0.999)


def _with_instance_norm(net: nn.Module) -> nn.Module:
    """Put torch's own instance norm in place of ours."""
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm):
                setattr(module, name, nn.InstanceNorm2d(child.num_channels))
    return net


class Textbook:
    """CycleGAN as the paper's equations read, term by term."""

    def __init__(self, start: CycleGAN) -> None:
        self.g_ab, self.g_ba, self.d_a, self.d_b = (
            _with_instance_norm(deepcopy(net))
            for net in (start.g_ab, start.g_ba, start.d_a, start.d_b)
        )
        self.design = start.design
        self.opt_g = torch.optim.Adam(
            [*self.g_ab.parameters(), *self.g_ba.parameters()], lr=self.design.lr, betas=BETAS
        )
        self.opt_d = torch.optim.Adam(
            [*self.d_a.parameters(), *self.d_b.parameters()], lr=self.design.lr, betas=BETAS
        )
        self.l1, self.mse = nn.L1Loss(), nn.MSELoss()

    def against(self, scores: Tensor, target: float) -> Tensor:
        """Return the least-squares loss of scores."""
        out: Tensor = self.mse(scores, torch.full_like(scores, target))
        return out

    def step(self, a: Tensor, b: Tensor) -> list[float]:
        """Update the generators, then the discriminators; return the losses."""
        for critic in (self.d_a, self.d_b):
            critic.requires_grad_(False)
        self.opt_g.zero_grad()
        fake_b, fake_a = self.g_ab(a), self.g_ba(b)
        fooled = self.against(self.d_b(fake_b), 1) + self.against(self.d_a(fake_a), 1)
        cycle = self.design.cycle * (self.l1(self.g_ba(fake_b), a) + self.l1(self.g_ab(fake_a), b))
        same = self.l1(self.g_ab(b), b) + self.l1(self.g_ba(a), a)
        identity = self.design.identity * same
        (fooled + cycle + identity).backward()
        self.opt_g.step()
        for critic in (self.d_a, self.d_b):
            critic.requires_grad_(True)
        self.opt_d.zero_grad()
        total = torch.zeros(())
        for critic, real, fake in ((self.d_a, a, fake_a), (self.d_b, b, fake_b)):
            loss = 0.5 * (self.against(critic(real), 1) + self.against(critic(fake.detach()), 0))
            loss.backward()
            total = total + loss.detach()
        self.opt_d.step()
        return torch.stack([fooled, cycle, identity, total]).tolist()
