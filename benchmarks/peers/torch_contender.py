#!/usr/bin/python3
"""PyTorch's side of the comparison: reads the problem in DIR and serves the protocol of README.md.

METHOD  layerwise | layerwise-reuse | layerwise-tiled:ROWS      kernel by hand
        jacobian:STYLE:CHUNK | jacobian:STYLE:by-layer           functorch, STYLE linear | mv | sum, CHUNK 0: all
        ntk-vp                                                   functorch's NTK-vector products
        step-autograd | step-manual                              a training step
"""

import argparse

import torch

import contender
import torch_layerwise


def kernel_of(method, problem, full):
    name, *options = method.split(":")
    if name.startswith("layerwise"):
        tile = int(options[0]) if name == "layerwise-tiled" else 0
        return torch_layerwise.LayerwiseKernel(problem, full, name != "layerwise", tile)
    import torch_jacobian  # functorch takes a while to load
    if name == "ntk-vp":
        return torch_jacobian.NtkVectorProducts(problem, full)
    style, chunk = options
    by_layer = chunk == "by-layer"
    return torch_jacobian.JacobianContraction(problem, full, style, 0 if by_layer else int(chunk), by_layer)


def in_order_of_ntape(theta, problem, method, full):
    """Rows n C + c; the layer-wise kernel has c N + n."""
    if full and method.startswith("layerwise"):
        n, c = problem.x.shape[0], problem.outputs
        theta = theta.view(c, n, c, n).permute(1, 0, 3, 2).reshape(n * c, n * c)
    return theta.numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument("form", choices=["full", "trace"])
    parser.add_argument("threads", type=int)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    problem = contender.Problem(args.directory, torch.float32)
    full = args.form == "full"

    if args.method.startswith("step"):
        import torch_steps
        step = torch_steps.AutogradStep if args.method == "step-autograd" else torch_steps.ManualStep

        def save(dtype):
            descent = step(contender.Problem(args.directory, dtype), contender.SAVED_RATE)
            for _ in range(contender.SAVED_STEPS):
                descent()
            return descent.outputs().detach().numpy()

        return contender.serve(torch_steps.clock(lambda: step(problem, 1e-3)), save)

    def save(dtype):
        copy = contender.Problem(args.directory, dtype)
        return in_order_of_ntape(kernel_of(args.method, copy, full)(), copy, args.method, full)

    return contender.serve(contender.repeat(kernel_of(args.method, problem, full)), save)


if __name__ == "__main__":
    main()
