#pragma once

#include <memory>
#include <ntape/tensor/matrix.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace ntape {

/// Whether row i of an op's output depends on row i of its batched arguments only.
enum class Rows { independent, mixed };

/// Position of an argument in an op's argument list.
using Arg = std::size_t;

using Shapes = std::span<const Shape>;

template <class Real>
using Values = std::span<const Matrix<Real>* const>;

/// What an op may look at when it differentiates: its argument values and its output.
template <class Real>
struct Site {
  Values<Real> in;
  const Matrix<Real>& out;
};

/// J[v,n](o,i) = scale * d[v,n,o] * a[n,i]: the per-example Jacobian of a weight [o x i] as an outer product.
/// `a` [N x i] points into the tape; a null `a` stands for a column of ones (a bias, i = 1, shape [1 x o]).
/// `d` [V x N x o] points to the cotangents of the op's output. Nothing is copied.
template <class Real>
struct OuterBlock {
  const Matrix<Real>* a = nullptr;
  const Stack<Real>* d = nullptr;
  Real scale = Real(1);
};

/// J[v,n,p], p running over the parameter's entries in row-major order.
template <class Real>
struct DenseBlock {
  Stack<Real> j;
};

/// A parameter's per-example Jacobian at one use.
template <class Real>
using Block = std::variant<OuterBlock<Real>, DenseBlock<Real>>;

/// The mathematics of one operation: small, immutable, shared between tapes.
///
/// jvp and vjp treat one argument at a time and *add* into storage the caller owns; the two are transposes
/// of each other: <u, jvp(t)> = <vjp(u), t>. The leading axis V of a Stack carries independent directions.
template <class Real>
class Op {
 public:
  virtual ~Op() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Throws ShapeError, naming the op and the shapes, before any arithmetic.
  [[nodiscard]] virtual Shape shape(Shapes in) const = 0;
  /// `out` has the shape that shape() promised.
  virtual void forward(Values<Real> in, Matrix<Real>& out) const = 0;
  /// out[v] += (d output / d in[arg]) tangent[v].
  virtual void jvp(const Site<Real>& site, Arg arg, const Stack<Real>& tangent, Stack<Real>& out) const = 0;
  /// out[v] += (d output / d in[arg])^T cotangent[v].
  virtual void vjp(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent, Stack<Real>& out) const = 0;
  /// The same, *written* over whatever `out` holds: a first cotangent needs no zeros to be added to.
  /// Default: zeros, and vjp.
  virtual void write_vjp(const Site<Real>& site, Arg arg, const Stack<Real>& cotangent,
                         Stack<Real>& out) const;
  /// Whether argument `arg` must be batch-free: were it batched, rows of the output would depend on all of
  /// its rows.
  [[nodiscard]] virtual bool needs_batch_free(Arg) const { return false; }
  [[nodiscard]] virtual Rows rows() const { return Rows::independent; }
  /// Floating-point operations of forward on arguments of these shapes, a transcendental counted as one.
  [[nodiscard]] virtual double flops(Shapes in) const { return static_cast<double>(shape(in).size()); }
  /// The per-example Jacobian of a batch-free argument under row-wise cotangents [V x N x cols], where it is
  /// an outer product. Default: none is.
  [[nodiscard]] virtual std::optional<OuterBlock<Real>> outer_block(const Site<Real>&, Arg,
                                                                    const Stack<Real>&) const {
    return {};
  }
  /// The same of any argument. Default: outer_block, else block_by_examples.
  [[nodiscard]] virtual Block<Real> block(const Site<Real>& site, Arg arg,
                                          const Stack<Real>& cotangent) const;
  /// One vjp per example, right for every op whose rows are independent; cost N vjps.
  [[nodiscard]] Block<Real> block_by_examples(const Site<Real>& site, Arg arg,
                                              const Stack<Real>& cotangent) const;
};

template <class Real>
using OpPtr = std::shared_ptr<const Op<Real>>;

}  // namespace ntape
