# The catalogue of repairs: modes, and the permissions that each needs. Written by `cargo xtask templates`.

locals {
  # generated: repairs
  # end
}
