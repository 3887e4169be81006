import JetKernels
import JetTensor

/// The gated norm of the read-outs of one token a sequence: `[N, H, V]` and a gate `[N, H·V]` to `[N, H·V]`.
///
/// Rows stand as tokens of one sequence, so that the kernel takes the gate where it lies.
func gatedRMSNormStep(_ x: Tensor, gate: Tensor, norm: RMSNorm) -> Tensor {
  gatedRMSNorm(
    x.unsqueezed(0), gate: gate.heads(x.dim(1)).unsqueezed(0), weight: norm.weight, eps: norm.eps
  ).mergedHeads.squeezed(0)
}
