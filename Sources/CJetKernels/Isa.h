// Isa.h: which instruction set the kernels run on, chosen once at run time.
//
// How to use it, in an operator's Foo.cpp (the numeric code lies in FooKernel.inc):
//
//     #include "Isa.h"
//     #include "Team.h"
//     #define JET_KERNEL_BODY "FooKernel.inc"
//     #include "EachIsa.inc"           // at file scope, outside of any namespace
//     …
//     JET_DISPATCH(foo_kernel, a, b);  // calls jet::<isa>::foo_kernel(a, b), returns what it returns
//
// FooKernel.inc is compiled four times, each in a namespace jet::<isa>::(anonymous) that has the
// vocabulary of Vector.inc and the target attribute of its set. It must include nothing: what it
// needs is included by Foo.cpp before EachIsa.inc. Lambdas and templates in it get the target too;
// what std:: instantiates does not, so pass no vector by value to the standard library.
// `JET_ISA=portable|avx2|avx512|avx512bf16` in the environment forces one.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define JET_X86 1
#else
#define JET_X86 0
#endif

#define JET_INLINE __attribute__((always_inline)) inline

namespace jet {

enum class Isa { portable = 0, avx2 = 1, avx512 = 2, avx512bf16 = 3 };

/// The set in use. Throws c10::Error with one sentence if JET_ISA names an unknown or missing one.
Isa current_isa();

/// The name of a set, as JET_ISA spells it.
const char *isa_name(Isa isa);

}  // namespace jet

#if JET_X86
#define JET_DISPATCH(function, ...)                                                 \
  [&] {                                                                             \
    switch (::jet::current_isa()) {                                                 \
      case ::jet::Isa::avx512bf16: return ::jet::avx512bf16::function(__VA_ARGS__); \
      case ::jet::Isa::avx512: return ::jet::avx512::function(__VA_ARGS__);         \
      case ::jet::Isa::avx2: return ::jet::avx2::function(__VA_ARGS__);             \
      case ::jet::Isa::portable: break;                                             \
    }                                                                               \
    return ::jet::portable::function(__VA_ARGS__);                                  \
  }()
#else
#define JET_DISPATCH(function, ...) ::jet::portable::function(__VA_ARGS__)
#endif
