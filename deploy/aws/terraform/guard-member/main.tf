# The role by which the guard of another account looks here and repairs, as deploy/aws/guard-member.yaml makes it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "guard_role" {
  type        = string
  description = "The output `role` of the module guard."
}

variable "external_id" {
  type        = string
  description = "A text that the guard has to say, the same as there, so that nobody else makes it come here."

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/-]{8,1224}$", var.external_id))
    error_message = "Expected 8 to 1224 letters, digits and `+=,.@:/-`."
  }
}

variable "mode" {
  type        = string
  default     = "act"
  description = "What the role's permissions are made for; the guard itself says how far it goes."

  validation {
    condition     = contains(["off", "notify", "plan", "approve", "act"], var.mode)
    error_message = "Expected `off`, `notify`, `plan`, `approve` or `act`."
  }
}

variable "playbooks" {
  type        = map(string)
  default     = {}
  description = "Modes of playbooks that differ, by number: `{ P01 = \"act\" }`."
}

variable "trail_bucket" {
  type        = string
  default     = null
  description = "The bucket that trails write to. Without it the permissions to look at such a bucket are for all of them."
}

variable "trail_log_role" {
  type        = string
  default     = null
  description = "The ARN of the role by which trails write to CloudWatch Logs. Without it any role that CloudTrail may have."
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  order     = ["off", "notify", "plan", "approve", "act"]
  modes = { for playbook, mode in local.catalogue : playbook =>
    lookup(var.playbooks, playbook, local.order[min(index(local.order, mode), index(local.order, var.mode))])
  }
  needs = concat(
    [for playbook, mode in local.modes : "${playbook}.check" if mode != "off"],
    [for playbook, mode in local.modes : "${playbook}.repair" if contains(["approve", "act"], mode)],
  )
  granted        = [for one in local.repairs : one if length(setintersection(one.needs, local.needs)) > 0]
  trail_bucket   = var.trail_bucket == null ? "*" : var.trail_bucket
  trail_log_role = var.trail_log_role == null ? "arn:${local.partition}:iam::${local.account}:role/*" : var.trail_log_role
}

data "aws_iam_policy_document" "guard" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.guard_role]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

resource "aws_iam_role" "member" {
  name                 = "stockade-member"
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.guard.json
}

data "aws_iam_policy_document" "repairs" {
  dynamic "statement" {
    for_each = local.granted
    content {
      actions   = statement.value.actions
      resources = statement.value.resources
      dynamic "condition" {
        for_each = statement.value.conditions
        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }
}

resource "aws_iam_role_policy" "repairs" {
  count  = length(local.granted) > 0 ? 1 : 0
  name   = "repairs"
  role   = aws_iam_role.member.id
  policy = data.aws_iam_policy_document.repairs.json
}

output "role" {
  description = "One of `member_roles` of the module guard."
  value       = aws_iam_role.member.arn
}
