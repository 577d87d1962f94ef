#pragma once

#include <cstdint>

/// Numbers of the elementwise kernels: polynomials of least greatest relative error on the interval named,
/// lowest power first, which elementwise_numbers.py computes, and constants split into parts.
namespace ntape::elementwise::detail {

template <class Real>
struct Numbers;

template <>
struct Numbers<double> {
  using Real = double;
  using Bits = std::uint64_t;
  static constexpr int mantissa = 52;
  static constexpr Real shift = 0x1.8p52;         ///< x + shift - shift is x, rounded to an integer
  static constexpr Real power = 0x1.8p52 + 1023;  ///< the last bits of n + power are 2^n's exponent
  static constexpr Bits upper = ~Bits(0) << 27;   ///< 26 digits: their square is exact
  static constexpr Real ln2_high = 0x1.62e42fefa3p-1, ln2_low = 0x1.3de6af278ece6p-42;
  // Where x e^-q, tanh, erf, e^x - 1, x e^(-x^2) and x^2 e^(-x^2/2) do not change any more.
  static constexpr Real decay_end = 760, tanh_end = 22, erf_end = 5.95, expm1_end = 40;
  static constexpr Real gaussian_end = 28, normal_end = 38.8;
  static constexpr Real mills_center = 3, slope_center = 5;
  static constexpr Real gelu_root = 0x1.80ead197f00b4p-1, gelu_root_low = -0x1.13e74c58cada8p-56;
  static constexpr Real silu_root = 0x1.474973c84120bp+0, silu_root_low = 0x1.f8d74bc9ac154p-54;
  /// (e^r - 1 - r) / r^2 in r, |r| <= log(2) / 2
  static constexpr Real exp[] = {5.00000000000000564e-1, 1.66666666666666875e-1, 4.16666666665721909e-2,
                                 8.33333333331368866e-3, 1.38888889329013414e-3, 1.98412699049284852e-4,
                                 2.48015037764064433e-5, 2.75572262811307246e-6, 2.76266052945627868e-7,
                                 2.51150000434922051e-8};
  /// (atanh(s) / s - 1) / s^2 in s^2, s <= 1/3
  static constexpr Real log1p[] = {3.33333333333331519e-1, 2.00000000000786246e-1, 1.42857142739265394e-1,
                                   1.11111119849164128e-1, 9.09087195924232561e-2, 7.69328006749414754e-2,
                                   6.65048485666016277e-2, 6.053062984229075e-2,   4.16994382731924459e-2,
                                   8.50952295264110294e-2};
  /// (z + c) r(z) in t = (z - c) / (z + c), c the center, r(z) = Q(z) e^(z^2/2), Q the upper tail of the
  /// normal distribution
  static constexpr Real mills[] = {
      7.29083690133372996e-1,  -5.09331981917489759e-1, 2.30017719974603814e-1,  -4.72630251429389259e-2,
      -1.04628670233196094e-2, 6.97262123936308995e-3,  1.02759225927971562e-3,  -1.04582860523844376e-3,
      -2.56575347623411769e-4, 1.54394305987025745e-4,  7.8812675621776011e-5,   -1.3245125501622064e-5,
      -2.06891444352725918e-5, -3.52113132481217421e-6, 3.64010674000012215e-6,  2.2649791780057244e-6,
      7.61670452219517177e-9,  -6.06747216355417432e-7, -2.72366198265413791e-7, 5.65327788962506703e-8,
      9.42981285884166715e-8,  1.65582414107940817e-8,  -1.29828960057192438e-8, -4.74585969688952699e-9};
  /// (r(z) - z / sqrt(2 pi)) / (z - root) in such a t
  static constexpr Real gelu_slope[] = {
      -4.51435495263405407e-1, 8.97965802698037367e-2,  -6.04878135538707252e-2, 3.55351214691553758e-2,
      -1.78078315568935598e-2, 7.33431092899206071e-3,  -2.30218372342449599e-3, 4.40530625302881296e-4,
      1.51957735948254804e-5,  -4.06469959561336325e-5, 9.20116421236472035e-6,  1.99283230128106086e-6,
      -1.36013933973383899e-6, -2.16463574023968963e-8, 1.68695539820742955e-7,  -1.21001469358110675e-8,
      -2.16657455807160826e-8, 2.13507052863228063e-9,  2.72057460358042652e-9,  -1.51522146375683073e-10,
      -2.1603313029176684e-10};
  /// (-log(erfc(z)) / z - 2 / sqrt(pi)) / z in z, weighted by what it costs erf
  static constexpr Real erf[] = {
      6.36619772367601281e-1,   1.02772603300432188e-1,  -1.91284469692427226e-2,  -2.09195172324502779e-4,
      1.69621018515090755e-3,   -5.90145417102738419e-4, 2.59511690338968991e-5,   6.429864487312503e-5,
      -2.9337524593461838e-5,   2.81333623739850288e-6,  3.54763566833989503e-6,   -2.41669345381105109e-6,
      8.45745988233576961e-7,   -1.7025561316488656e-7,  6.91176776272101505e-9,   8.21729637626352351e-9,
      -3.25325335524228153e-9,  6.9852648724841888e-10,  -9.76970011158990299e-11, 8.91453004807829192e-12,
      -4.85862666067547296e-13, 1.205731541035876e-14};
  /// (sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 4
  static constexpr Real sin[] = {-1.66666666666666317e-1, 8.33333333332233145e-3,  -1.98412698297361835e-4,
                                 2.75573136651528172e-6,  -2.50507536495360403e-8, 1.58965223478404629e-10};
  /// (cos(r) - 1 + r^2 / 2) / r^4 in r^2
  static constexpr Real cos[] = {4.16666666666665988e-2,  -1.38888888888739949e-3, 2.48015872893969251e-5,
                                 -2.75573143264818468e-7, 2.0875719607912875e-9,   -1.13594507741388275e-11};
};

template <>
struct Numbers<float> {
  using Real = float;
  using Bits = std::uint32_t;
  static constexpr int mantissa = 23;
  static constexpr Real shift = 0x1.8p23F;
  static constexpr Real power = 0x1.8p23F + 127;
  static constexpr Bits upper = ~Bits(0) << 12;
  static constexpr Real ln2_high = 0x1.62e4p-1F, ln2_low = 0x1.7f7d1cp-20F;
  static constexpr Real decay_end = 120, tanh_end = 10, erf_end = 3.95F, expm1_end = 20;
  static constexpr Real gaussian_end = 11, normal_end = 14.6F;
  static constexpr Real mills_center = 3, slope_center = 4;
  static constexpr Real gelu_root = 0x1.80ead2p-1F, gelu_root_low = -0x1.a03fd4p-27F;
  static constexpr Real silu_root = 0x1.474974p+0F, silu_root_low = -0x1.bdf6fap-27F;
  static constexpr Real exp[] = {5.000000063e-1F, 1.66665421e-1F, 4.166627921e-2F, 8.366708021e-3F,
                                 1.394663669e-3F};
  static constexpr Real log1p[] = {3.333320656e-1F, 2.001085149e-1F, 1.399951751e-1F, 1.401256759e-1F};
  static constexpr Real mills[] = {7.290836904e-1F,  -5.093319914e-1F, 2.300176999e-1F, -4.726268691e-2F,
                                   -1.04625204e-2F,  6.969296265e-3F,  1.02478416e-3F,  -1.032504816e-3F,
                                   -2.447482283e-4F, 1.31233371e-4F,   5.444207632e-5F};
  static constexpr Real gelu_slope[] = {-4.622112443e-1F, 1.033658997e-1F, -6.046291324e-2F, 2.808332779e-2F,
                                        -9.505312191e-3F, 1.788422649e-3F, 1.566026267e-4F,  -1.855933916e-4F,
                                        1.300072678e-5F,  1.607242043e-5F};
  static constexpr Real erf[] = {6.366195134e-1F, 1.027767983e-1F,  -1.914959409e-2F, -1.663492063e-4F,
                                 1.672630786e-3F, -6.357500809e-4F, 1.184222947e-4F,  -9.340189682e-6F};
  static constexpr Real sin[] = {-1.666665487e-1F, 8.332173544e-3F, -1.951665137e-4F};
  static constexpr Real cos[] = {4.166664677e-2F, -1.38873621e-3F, 2.443777821e-5F};
};

}  // namespace ntape::elementwise::detail
