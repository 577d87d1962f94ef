"""Full-batch gradient descent of a ReLU network on 1/(2N) sum |f - y|^2 in PyTorch."""

import time

import torch

from contender import BETA

threshold_backward = torch.ops.aten.threshold_backward


class AutogradStep:
    """Backward and torch.optim.SGD: what most people write."""

    def __init__(self, problem, rate):
        self.p = problem
        self.w = [w.clone().requires_grad_() for w in problem.w]
        self.b = [b.clone().requires_grad_() for b in problem.b]
        self.optimizer = torch.optim.SGD(self.w + self.b, lr=rate)

    def outputs(self):
        h = self.p.x
        for layer in range(self.p.depth):
            h = torch.addmm(self.b[layer], h, self.w[layer].t(), beta=BETA, alpha=self.p.scale[layer])
            if layer + 1 < self.p.depth:
                h = h.relu()
        return h

    def __call__(self):
        loss = (self.outputs() - self.p.y).square().sum() * (0.5 / self.p.x.shape[0])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class ManualStep:
    """Products into arrays made once; each update is one product into its weights."""

    def __init__(self, problem, rate):
        self.p, self.rate = problem, rate
        self.w, self.b = [w.clone() for w in problem.w], [b.clone() for b in problem.b]
        n = problem.x.shape[0]
        self.alpha = [problem.x] + [problem.x.new_empty((n, w.shape[0])) for w in problem.w]
        self.d = [None] + [torch.empty_like(a) for a in self.alpha[1:]]
        self.ones = problem.x.new_ones(n)

    @torch.inference_mode()
    def outputs(self):
        alpha = self.alpha
        for layer in range(self.p.depth):
            torch.addmm(self.b[layer], alpha[layer], self.w[layer].t(), beta=BETA, alpha=self.p.scale[layer],
                        out=alpha[layer + 1])
            if layer + 1 < self.p.depth:
                alpha[layer + 1].relu_()
        return alpha[-1]

    @torch.inference_mode()
    def __call__(self):
        n, d, scale = self.p.x.shape[0], self.d, self.p.scale
        torch.sub(self.outputs(), self.p.y, out=d[-1])
        loss = torch.dot(d[-1].view(-1), d[-1].view(-1)) * (0.5 / n)
        d[-1].mul_(1 / n)
        for layer in reversed(range(self.p.depth)):
            if layer > 0:
                torch.addmm(d[layer], d[layer + 1], self.w[layer], beta=0, alpha=scale[layer], out=d[layer])
                threshold_backward(d[layer], self.alpha[layer], 0, grad_input=d[layer])
            back = d[layer + 1].t()
            self.w[layer].addmm_(back, self.alpha[layer], alpha=-self.rate * scale[layer])
            self.b[layer].addmv_(back, self.ones, alpha=-self.rate * BETA)
        return loss


def clock(make):
    """Seconds of that many steps from the start, but for the first, which touches memory for the first time."""

    def seconds(times):
        step = make()
        step()
        start = time.perf_counter()
        for _ in range(times):
            loss = step()
        end = time.perf_counter()
        assert torch.isfinite(loss), "the loss is not finite"
        return end - start

    return seconds
