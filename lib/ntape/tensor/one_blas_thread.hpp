#pragma once

#include <omp.h>

namespace ntape::linalg {

/// While it lives, BLAS and LAPACK called by this OpenMP task stay on the calling thread.
///
/// OpenBLAS asks omp_get_max_threads() on each call. Being inside a parallel region is not enough: a region
/// that gets one thread only (a thread limit, dynamic thread counts) does not count as parallel, and OpenBLAS
/// 0.3.21 then waits forever for the threads it believes to have. The setting belongs to the OpenMP task, so
/// neither other threads nor the caller's count are touched.
class OneBlasThread {
 public:
  OneBlasThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
  ~OneBlasThread() { omp_set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace ntape::linalg
