// Operators by name, called boxed.
#include <ATen/core/dispatch/Dispatcher.h>

#include "Protect.h"

namespace {

using c10::IValue;
using c10::TypeKind;

c10::OperatorHandle handle_of(jt_operator op) {
  // An OperatorHandle is a pointer into the dispatcher's table, whose entries are never moved while registered.
  return *reinterpret_cast<c10::OperatorHandle *>(op);
}

// The type inside `T?`.
c10::TypePtr without_optional(const c10::TypePtr &type) {
  auto optional = type->cast<c10::OptionalType>();
  return optional ? optional->getElementType() : type;
}

IValue tensor_list(const jt_value &value, const c10::TypePtr &type) {
  auto list_type = without_optional(type)->cast<c10::ListType>();
  const bool optional_elements = list_type && list_type->getElementType()->kind() == TypeKind::OptionalType;
  if (optional_elements) {
    c10::List<std::optional<at::Tensor>> list;
    for (int32_t i = 0; i < value.count; ++i) {
      auto tensor = jt::borrow(value.tensors[i]);
      list.push_back(tensor.defined() ? std::make_optional(std::move(tensor)) : std::nullopt);
    }
    return IValue(std::move(list));
  }
  c10::List<at::Tensor> list;
  list.reserve(value.count);
  for (int32_t i = 0; i < value.count; ++i) list.push_back(jt::borrow(value.tensors[i]));
  return IValue(std::move(list));
}

IValue unpack(const jt_value &value, const c10::Argument &argument) {
  switch (value.tag) {
    case JT_DEFAULT:
      TORCH_CHECK(argument.default_value(), "argument '", argument.name(), "' has no default");
      return *argument.default_value();
    case JT_NONE: return IValue();
    case JT_TENSOR: return IValue(jt::borrow(value.tensor));
    case JT_INT:
      if (without_optional(argument.real_type())->kind() == TypeKind::FloatType)
        return IValue(static_cast<double>(value.integer));
      return IValue(value.integer);
    case JT_DOUBLE: return IValue(value.real);
    case JT_BOOL: return IValue(value.integer != 0);
    case JT_STRING: return IValue(std::string(value.string));
    case JT_DEVICE: return IValue(jt::device(value.device));
    case JT_GENERATOR: return IValue(jt::generator(value.generator));
    case JT_INTS: return IValue(c10::IntArrayRef(value.integers, value.count));
    case JT_DOUBLES: return IValue(c10::ArrayRef<double>(value.reals, value.count));
    case JT_TENSORS: return tensor_list(value, argument.real_type());
    default: TORCH_CHECK(false, "argument '", argument.name(), "' has the unknown tag ", value.tag);
  }
}

class Results {
 public:
  Results(jt_value *values, int32_t capacity) : values_(values), capacity_(capacity) {}

  // What was given out before a failure is taken back.
  ~Results() {
    if (kept_) return;
    for (int32_t i = 0; i < count_; ++i)
      if (values_[i].tag == JT_TENSOR) jt_tensor_release(values_[i].tensor);
  }

  void add(const IValue &value) {
    if (value.isTensor()) {
      auto tensor = value.toTensor();
      if (!tensor.defined()) return (void)(next().tag = JT_NONE);
      auto &slot = next();
      slot.tag = JT_TENSOR;
      slot.tensor = jt::give(std::move(tensor));
    } else if (value.isTensorList()) {
      for (const at::Tensor &tensor : value.toTensorVector()) add(IValue(tensor));
    } else if (value.isInt()) {
      auto &slot = next();
      slot.tag = JT_INT;
      slot.integer = value.toInt();
    } else if (value.isDouble()) {
      auto &slot = next();
      slot.tag = JT_DOUBLE;
      slot.real = value.toDouble();
    } else if (value.isBool()) {
      auto &slot = next();
      slot.tag = JT_BOOL;
      slot.integer = value.toBool();
    } else if (value.isNone()) {
      next().tag = JT_NONE;
    } else if (value.isScalar()) {
      add(value.toScalar().isFloatingPoint() ? IValue(value.toScalar().toDouble()) : IValue(value.toScalar().toLong()));
    } else {
      TORCH_CHECK(false, "a result of type ", value.tagKind(), " cannot be passed on");
    }
  }

  int32_t keep() {
    kept_ = true;
    return count_;
  }

 private:
  jt_value &next() {
    TORCH_CHECK(count_ < capacity_, "the operator gives more than the ", capacity_, " results that there is room for");
    values_[count_] = jt_value{};
    return values_[count_++];
  }

  jt_value *values_;
  int32_t capacity_;
  int32_t count_ = 0;
  bool kept_ = false;
};

}  // namespace

jt_status jt_operator_find(const char *name, const char *overload, jt_operator *out) {
  return jt::protect([&] {
    auto found = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    // Never freed: an operator is looked up once and used as long as the process lives.
    *out = reinterpret_cast<jt_operator>(new c10::OperatorHandle(found));
  });
}

jt_status jt_operator_call(jt_operator op, const jt_value *arguments, int32_t argument_count, jt_value *results,
                           int32_t capacity, int32_t *result_count) {
  return jt::protect([&] {
    auto handle = handle_of(op);
    const auto &schema = handle.schema();
    const auto &declared = schema.arguments();
    TORCH_CHECK(argument_count <= static_cast<int64_t>(declared.size()), schema.name(), " takes ", declared.size(),
                " arguments, not ", argument_count);
    torch::jit::Stack stack;
    stack.reserve(std::max(declared.size(), schema.returns().size()));
    const jt_value by_default{};
    for (size_t i = 0; i < declared.size(); ++i)
      stack.push_back(unpack(static_cast<int32_t>(i) < argument_count ? arguments[i] : by_default, declared[i]));
    handle.callBoxed(stack);
    Results given(results, capacity);
    for (const auto &value : stack) given.add(value);
    *result_count = given.keep();
  });
}
