// Quad.cuh: four neighbouring numbers as they are stored, so that many of them can be on their way in few registers.
#pragma once

#include <cuda_bf16.h>

namespace jet::cuda {

inline __device__ float wide(float x) { return x; }
inline __device__ float wide(__nv_bfloat16 x) { return __bfloat162float(x); }

/// `x` as a number of type T, and as what that number is in float32.
template <typename T>
__device__ T narrow(float x) {
  return static_cast<T>(x);
}
template <typename T>
__device__ float rounded_to(float x) {
  return wide(narrow<T>(x));
}

/// Four numbers of type T. The pointers of the forms without a count are aligned to all four; `count` may be anything,
/// and numbers beyond it are 0 and are not touched. Caches are told that each is used once.
template <typename T>
struct Quad;

template <>
struct Quad<float> {
  float4 raw;

  __device__ void clear() { raw = make_float4(0, 0, 0, 0); }
  __device__ void load(const float *from) { raw = __ldcs(reinterpret_cast<const float4 *>(from)); }
  __device__ void load(const float *from, int count) {
    raw.x = count > 0 ? __ldcs(from) : 0.0f;
    raw.y = count > 1 ? __ldcs(from + 1) : 0.0f;
    raw.z = count > 2 ? __ldcs(from + 2) : 0.0f;
    raw.w = count > 3 ? __ldcs(from + 3) : 0.0f;
  }
  __device__ float4 numbers() const { return raw; }

  __device__ static void store(float *to, float4 x) { __stcs(reinterpret_cast<float4 *>(to), x); }
  __device__ static void store(float *to, float4 x, int count) {
    if (count > 0) __stcs(to, x.x);
    if (count > 1) __stcs(to + 1, x.y);
    if (count > 2) __stcs(to + 2, x.z);
    if (count > 3) __stcs(to + 3, x.w);
  }
};

template <>
struct Quad<__nv_bfloat16> {
  using Number = __nv_bfloat16;
  uint2 raw;

  __device__ void clear() { raw = make_uint2(0, 0); }
  __device__ void load(const Number *from) { raw = __ldcs(reinterpret_cast<const uint2 *>(from)); }
  __device__ void load(const Number *from, int count) {
    const unsigned short *bits = reinterpret_cast<const unsigned short *>(from);
    auto number = [&](int i) -> unsigned { return count > i ? __ldcs(bits + i) : 0; };
    raw.x = number(0) | number(1) << 16;
    raw.y = number(2) | number(3) << 16;
  }
  __device__ float4 numbers() const {
    return make_float4(__uint_as_float(raw.x << 16), __uint_as_float(raw.x & 0xffff0000u), __uint_as_float(raw.y << 16),
                       __uint_as_float(raw.y & 0xffff0000u));
  }

  __device__ static unsigned bits(float x) { return __bfloat16_as_ushort(__float2bfloat16(x)); }
  __device__ static void store(Number *to, float4 x) {
    __stcs(reinterpret_cast<uint2 *>(to), make_uint2(bits(x.x) | bits(x.y) << 16, bits(x.z) | bits(x.w) << 16));
  }
  __device__ static void store(Number *to, float4 x, int count) {
    if (count > 0) to[0] = __float2bfloat16(x.x);
    if (count > 1) to[1] = __float2bfloat16(x.y);
    if (count > 2) to[2] = __float2bfloat16(x.z);
    if (count > 3) to[3] = __float2bfloat16(x.w);
  }
};

}  // namespace jet::cuda
