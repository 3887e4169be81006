// The C face of libtorch: operators by name through its dispatcher, autograd, generators, devices.
//
// Every function returns a status and writes its results last. No C++ exception crosses this boundary. A pointer
// said to be "new" is the caller's to release; one said to be "borrowed" is valid while its owner lives.
#ifndef CJETTORCH_H
#define CJETTORCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t jt_status;
enum { JT_OK = 0, JT_ERROR = 1 };

typedef struct jt_tensor_s *jt_tensor;
typedef struct jt_generator_s *jt_generator;
typedef struct jt_operator_s *jt_operator;

// Sizes of the element types are those of libtorch; these are its codes (c10::ScalarType).
typedef struct {
  int32_t type;   // 0 CPU, 1 CUDA
  int32_t index;  // -1: the current one
} jt_device;

// The message of this thread's last failure; borrowed, valid until the next failure on this thread.
const char *jt_last_error(void);

// ---- Values: what an operator takes and gives -------------------------------------------------------------------

typedef enum {
  JT_DEFAULT = 0,  // the default that the operator's schema names
  JT_NONE,
  JT_TENSOR,
  JT_INT,
  JT_DOUBLE,
  JT_BOOL,
  JT_STRING,
  JT_DEVICE,
  JT_GENERATOR,
  JT_INTS,
  JT_DOUBLES,
  JT_TENSORS,  // a null pointer among them is "no tensor"
} jt_tag;

typedef struct {
  int32_t tag;
  int32_t count;  // of a list
  union {
    jt_tensor tensor;
    int64_t integer;
    double real;
    const char *string;
    jt_device device;
    jt_generator generator;
    const int64_t *integers;
    const double *reals;
    const jt_tensor *tensors;
  };
} jt_value;

// Finds "aten::add" with overload "Tensor" (or ""). The operator is borrowed and lives as long as the process.
jt_status jt_operator_find(const char *name, const char *overload, jt_operator *out);

// Calls an operator. Arguments are in the order of its schema; missing ones take their defaults. Tensors among the
// results are new. A result that is a list of tensors is spread over the results. `capacity` bounds the results.
jt_status jt_operator_call(jt_operator op, const jt_value *arguments, int32_t argument_count, jt_value *results,
                           int32_t capacity, int32_t *result_count);

// ---- Tensors -----------------------------------------------------------------------------------------------------

jt_status jt_tensor_release(jt_tensor tensor);
// Handles that have been given out and not released.
int64_t jt_tensor_live_count(void);

typedef struct {
  const int64_t *sizes;    // borrowed
  const int64_t *strides;  // borrowed
  int32_t rank;
  int32_t scalar_type;
  jt_device device;
  int64_t element_count;
  int64_t element_bytes;
  bool is_contiguous;
  bool requires_gradient;
  void *data;  // borrowed; first element
} jt_tensor_info;

jt_status jt_tensor_describe(jt_tensor tensor, jt_tensor_info *out);

// A new tensor over memory of the caller. `release(context)` is called once, when the last user has gone; on failure
// too, before this returns.
jt_status jt_tensor_wrap(void *data, const int64_t *sizes, int32_t rank, int32_t scalar_type,
                         void (*release)(void *context), void *context, jt_tensor *out);

// ---- Autograd ----------------------------------------------------------------------------------------------------

bool jt_gradient_mode(void);
void jt_set_gradient_mode(bool enabled);
jt_status jt_tensor_set_requires_gradient(jt_tensor tensor, bool required);
// Accumulates into the leaves. `seed` may be null for a scalar.
jt_status jt_backward(jt_tensor output, jt_tensor seed, bool keep_graph);
// New; null where the tensor has none.
jt_status jt_tensor_gradient(jt_tensor tensor, jt_tensor *out);
jt_status jt_tensor_clear_gradient(jt_tensor tensor);
// d(outputs)/d(inputs) weighted by `seeds`; new; null for an input that the outputs do not depend on.
jt_status jt_gradients(const jt_tensor *outputs, const jt_tensor *seeds, int32_t output_count, const jt_tensor *inputs,
                       int32_t input_count, bool keep_graph, bool create_graph, jt_tensor *out);

// ---- Generators --------------------------------------------------------------------------------------------------

// New.
jt_status jt_generator_create(jt_device device, uint64_t seed, jt_generator *out);
jt_status jt_generator_release(jt_generator generator);
// New: the whole state as a tensor of bytes on the CPU.
jt_status jt_generator_state(jt_generator generator, jt_tensor *out);
jt_status jt_generator_set_state(jt_generator generator, jt_tensor state);

// ---- Devices and threads -----------------------------------------------------------------------------------------

// Opens the CUDA part of libtorch, once. Until then a CUDA device is an error.
jt_status jt_cuda_load(void);
jt_status jt_cuda_device_count(int32_t *out);
// Opens a library whose operators register themselves; it stays open.
jt_status jt_library_open(const char *path);
jt_status jt_device_synchronize(jt_device device);
jt_status jt_device_memory(jt_device device, int64_t *free_bytes, int64_t *total_bytes);
jt_status jt_device_allocated(jt_device device, int64_t *current_bytes, int64_t *peak_bytes);
jt_status jt_device_release_cached(jt_device device);
// Whether float32 matrix products of CUDA devices may round their factors to 10 bits of mantissa (TF32).
jt_status jt_cuda_set_tf32(bool allowed);
int32_t jt_thread_count(void);
jt_status jt_set_thread_count(int32_t count);
// Borrowed; lives as long as the process.
const char *jt_torch_version(void);

#ifdef __cplusplus
}
#endif
#endif
