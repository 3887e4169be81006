public import JetTensor

/// The token before each token: the token shift of RWKV.
///
/// `y_t = x_{t−1}`; the first of them is the last input of the piece before, zeros at the beginning of a sequence.
///
/// - Parameters:
///   - x: `[B, T, D]`.
///   - window: the input before the first token, `[B, D, 1]`; replaced by that before the next one.
///   - counts: how many tokens of each sequence are real; all of them when nil.
/// - Returns: `[B, T, D]` in the type of `x`.
/// - Source: Peng et al. 2025, [arXiv:2503.14456](https://arxiv.org/abs/2503.14456), section 4; upstream
///   `fla/modules/token_shift.py`.
public func previousTokens(_ x: Tensor, window: inout Tensor, counts: [Int]? = nil) -> Tensor {
  let first = window.transposed(1, 2).to(x.dtype)
  let y = Tensor.concatenate([first, x.slice(0..<x.dim(1) - 1, dim: 1)], dim: 1)
  window = shiftedWindowDefinition(window, x, counts: counts)
  return y
}
