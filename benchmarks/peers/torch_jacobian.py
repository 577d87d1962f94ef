"""The kernel through functorch: per-example Jacobians contracted, and NTK-vector products."""

import torch
from functorch import jacrev, jvp, vjp, vmap
from torch.nn.functional import linear, relu

from contender import BETA


def network(problem, style):
    """f(theta, x) of one example; theta is the flat tuple W_0, b_0, W_1, ... The styles are the same function, for
    which functorch has different rules: a row through F.linear, a matrix-vector product, a product and a sum."""

    def f(theta, x):
        h = x.unsqueeze(0) if style == "linear" else x
        for layer, scale in enumerate(problem.scale):
            w, b = theta[2 * layer], theta[2 * layer + 1]
            if style == "linear":
                z = linear(h, w)
            elif style == "mv":
                z = torch.mv(w, h)
            else:
                z = (w * h).sum(-1)
            z = z * scale + BETA * b
            h = relu(z) if layer + 1 < problem.depth else z
        return h.squeeze(0) if style == "linear" else h

    return f


def parameters(problem):
    return tuple(t for pair in zip(problem.w, problem.b) for t in pair)


def form_of(kernel, full):
    """[N, M, C, C] -> [N C x M C], or [N, M] averaged over outputs."""
    n, m, c, _ = kernel.shape
    if full:
        return kernel.permute(0, 2, 1, 3).reshape(n * c, m * c)
    return kernel.diagonal(dim1=2, dim2=3).mean(-1)


class JacobianContraction:
    """vmap(jacrev(f)), then J J^T parameter by parameter.

    chunk: examples whose Jacobian is held at a time (pairs of chunks below the diagonal); 0: all of them.
    by_layer: the Jacobian towards one parameter at a time instead, of all examples.
    """

    def __init__(self, problem, full, style, chunk, by_layer):
        self.p, self.full, self.chunk, self.by_layer = problem, full, chunk, by_layer
        self.f = network(problem, style)

    def jacobian(self, x, only=None):
        theta = parameters(self.p)
        if only is None:
            return vmap(jacrev(self.f), (None, 0))(theta, x)
        before, after = theta[:only], theta[only + 1:]

        def of_one(parameter, one):
            return self.f(before + (parameter,) + after, one)

        return (vmap(jacrev(of_one), (None, 0))(theta[only], x),)

    def contract(self, j1, j2):
        total = None
        for a, b in zip(j1, j2):
            a, b = a.flatten(2), b.flatten(2)  # [N, C, p]
            (n, c, _), m = a.shape, b.shape[0]
            if self.full:
                k = torch.mm(a.reshape(n * c, -1), b.reshape(m * c, -1).t())
            else:
                k = torch.mm(a.reshape(n, -1), b.reshape(m, -1).t()).mul_(1 / c)
            total = k if total is None else total.add_(k)
        return total

    @torch.no_grad()
    def __call__(self):
        x, n = self.p.x, self.p.x.shape[0]
        if self.by_layer:
            total = None
            for only in range(2 * self.p.depth):
                j = self.jacobian(x, only)
                k = self.contract(j, j)
                total = k if total is None else total.add_(k)
            return total
        step = self.chunk or n
        rows = self.p.outputs if self.full else 1
        out = x.new_empty((n * rows, n * rows))
        for i in range(0, n, step):
            j1 = self.jacobian(x[i:i + step])
            for k in range(0, i + 1, step):
                j2 = j1 if k == i else self.jacobian(x[k:k + step])
                block = self.contract(j1, j2)
                here, there = slice(i * rows, (i + step) * rows), slice(k * rows, (k + step) * rows)
                out[here, there] = block
                if k != i:
                    out[there, here] = block.t()
        return out


class NtkVectorProducts:
    """For each pair of examples and each output, J(x1) applied to J(x2)^T e by vjp and jvp: no Jacobian exists."""

    def __init__(self, problem, full):
        self.p, self.full = problem, full
        self.f = network(problem, "linear")

    @torch.no_grad()
    def __call__(self):
        theta, x = parameters(self.p), self.p.x
        basis = torch.eye(self.p.outputs, dtype=x.dtype)

        def pair(x1, x2):
            _, back = vjp(lambda t: self.f(t, x1), theta)
            forward = lambda e: jvp(lambda t: self.f(t, x2), (theta,), back(e))[1]
            return vmap(forward)(basis)

        return form_of(vmap(vmap(pair, (None, 0)), (0, None))(x, x), self.full)
