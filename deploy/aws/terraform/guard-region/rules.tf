# The EventBridge rules that `stockade rules export` prints for the shipped rules. Written by `cargo xtask templates`.

locals {
  # generated: rules
  # end
}
