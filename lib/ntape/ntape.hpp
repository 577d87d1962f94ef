#pragma once

// Everything a user of the library needs; nothing but includes.
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/data/dataset.hpp>
#include <ntape/data/source.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/drift/change.hpp>
#include <ntape/drift/scaling.hpp>
#include <ntape/dynamics/lazy.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/jacobian/jacobian.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/mean_square.hpp>
#include <ntape/study/drift_study.hpp>
#include <ntape/study/kernel_track.hpp>
#include <ntape/tape/print.hpp>
#include <ntape/tape/sweep.hpp>
#include <ntape/tape/tape.hpp>
#include <ntape/train/descent.hpp>
