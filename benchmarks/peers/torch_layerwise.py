"""The kernel of a ReLU network as an expert writes it in PyTorch: plain products, no autograd, no Jacobian."""

import torch

from contender import BETA

threshold_backward = torch.ops.aten.threshold_backward  # u where the activation is positive, 0 elsewhere: one pass


class LayerwiseKernel:
    """Theta = sum_l (alpha_l alpha_l^T / n_l + beta^2) o (d_{l+1} d_{l+1}^T), d = df/dz.

    full: [C N x C N] with rows c N + n; otherwise [N x N], averaged over outputs.
    tile: how many rows of a Gram are made at a time, and only up to the diagonal; 0: the whole of it.
    reuse: every array is made once.
    """

    def __init__(self, problem, full, reuse, tile):
        self.p, self.full, self.tile = problem, full, tile
        self.reuse = reuse or tile > 0  # tiles need somewhere to go
        n, c, make = problem.x.shape[0], problem.outputs, problem.x.new_zeros
        self.pairs = n * c if full else n
        if self.reuse:
            widths = [w.shape[0] for w in problem.w[:-1]]
            self.alpha = [make((n, width)) for width in widths]
            self.d = [make((c, n, width) if full else (n, c, width)) for width in widths]
            self.s, self.g = make((n, n)), make((self.pairs, self.pairs))
            self.theta = make((self.pairs, self.pairs))

    def buffer(self, name, layer=None):
        if not self.reuse:
            return None
        return getattr(self, name) if layer is None else getattr(self, name)[layer]

    def gram(self, m, out, tile):
        if not tile:
            return torch.mm(m, m.t(), out=out)
        for i in range(0, m.shape[0], tile):
            torch.mm(m[i:i + tile], m[:i + tile].t(), out=out[i:i + tile, :i + tile])
        return out

    def inputs_gram(self, a, layer):
        s = self.gram(a, self.buffer("s"), 0 if self.full else self.tile)
        return s.mul_(self.p.scale[layer] ** 2).add_(BETA ** 2)

    @torch.inference_mode()
    def __call__(self):
        p, last, n, c = self.p, self.p.depth - 1, self.p.x.shape[0], self.p.outputs
        side = 0 if self.full else 1  # where outputs are in d
        alpha = [p.x]
        for layer in range(last):
            z = torch.addmm(p.b[layer], alpha[-1], p.w[layer].t(), beta=BETA, alpha=p.scale[layer],
                            out=self.buffer("alpha", layer))
            alpha.append(z.relu_())
        theta = self.theta.zero_() if self.reuse else p.x.new_zeros((self.pairs, self.pairs))
        theta4 = theta.view(c, n, c, n) if self.full else None
        s = self.inputs_gram(alpha[last], last)
        if self.full:
            theta4.diagonal(dim1=0, dim2=2).add_(s.unsqueeze(-1))
        else:
            theta.add_(s)
        share = 1 if self.full else c ** -0.5
        d = None
        for layer in reversed(range(last)):
            active = alpha[layer + 1].unsqueeze(side)
            if d is None:
                u = (p.w[last] * (share * p.scale[last])).unsqueeze(1 - side)
                u = u.expand(c, n, -1) if self.full else u.expand(n, c, -1)
            elif self.reuse:
                u = self.d[layer]
                flat = u.view(n * c, -1)
                torch.addmm(flat, d.view(n * c, -1), p.w[layer + 1], beta=0, alpha=p.scale[layer + 1], out=flat)
            else:
                u = torch.mm(d.view(n * c, -1), p.w[layer + 1]).mul_(p.scale[layer + 1]).view(*d.shape[:2], -1)
            if self.reuse:
                d = threshold_backward(u, active.expand_as(u), 0, grad_input=self.d[layer])
            else:
                d = threshold_backward(u, active.expand_as(u), 0).contiguous()
            s = self.inputs_gram(alpha[layer], layer)
            g = self.gram(d.view(self.pairs, -1), self.buffer("g"), self.tile)
            if self.full:
                theta4.addcmul_(g.view(c, n, c, n), s.view(1, n, 1, n))
            else:
                theta.addcmul_(g, s)
        if self.tile:
            for i in range(self.tile, self.pairs, self.tile):
                theta[:i, i:i + self.tile] = theta[i:i + self.tile, :i].t()
        return theta
