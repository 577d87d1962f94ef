#pragma once

#include <ntape/kernel/kernel.hpp>

namespace ntape {

/// Distances between kernels of equal shape, summed in double. Every function throws ShapeError when the
/// shapes differ, and InternalError when a norm it divides by is zero.

/// ||K - K_0||_F / ||K_0||_F.
[[nodiscard]] double relative_change(const Matrix<double>& k, const Matrix<double>& k0);
template <class Real, class Real0>
[[nodiscard]] double relative_change(const Kernel<Real>& k, const Kernel<Real0>& k0);

/// 1 - <K, K_0> / (||K|| ||K_0||): blind to scale (Fort et al. 2020). Computed as half the squared distance
/// of the two normalized kernels, which keeps its digits when they nearly agree.
[[nodiscard]] double kernel_distance(const Matrix<double>& k, const Matrix<double>& k0);

/// tr K / tr K_0.
[[nodiscard]] double trace_ratio(const Matrix<double>& k, const Matrix<double>& k0);

/// Target alignment tr(y^T K y) / (||K||_F ||y||^2), y [N x C] and K [N x N] (Cristianini et al. 2002).
[[nodiscard]] double target_alignment(const Matrix<double>& k, const Matrix<double>& y);

/// CKA(K, K') = <HKH, HK'H> / (||HKH|| ||HK'H||), H = I - 11^T/N (Kornblith et al. 2019).
[[nodiscard]] double centered_alignment(const Matrix<double>& k, const Matrix<double>& k2);

}  // namespace ntape
