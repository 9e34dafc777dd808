# What a region forwards to the guard, as deploy/aws/guard-region.yaml makes it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31" # the state of EventBridge's rules
    }
  }
}

variable "guard_bus" {
  type        = string
  description = "The output `bus` of the module guard."
}

variable "watch" {
  type        = string
  default     = "everything"
  description = "What is forwarded, `everything` or `repairs`; the same as in the module guard."

  validation {
    condition     = contains(["everything", "repairs"], var.watch)
    error_message = "Expected `everything` or `repairs`."
  }
}

variable "config_rules" {
  type        = set(string)
  default     = []
  description = "Which managed rules of AWS Config to make: `cloudtrail-enabled`, `multi-region-cloudtrail-enabled`. They need a recorder in this region."
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  rule_arns = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:rule/stockade-*"
}

data "aws_iam_policy_document" "events" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "forward" {
  statement {
    actions   = ["events:PutEvents"]
    resources = [var.guard_bus]
  }
}

resource "aws_iam_role" "forward" {
  name               = "stockade-forward-${data.aws_region.current.name}"
  assume_role_policy = data.aws_iam_policy_document.events.json
}

resource "aws_iam_role_policy" "forward" {
  name   = "forward"
  role   = aws_iam_role.forward.id
  policy = data.aws_iam_policy_document.forward.json
}

resource "aws_sqs_queue" "failed" {
  name                      = "stockade-forward-failed"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

data "aws_iam_policy_document" "failed" {
  statement {
    sid       = "Rules"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.rule_arns]
    }
  }
}

resource "aws_sqs_queue_policy" "failed" {
  queue_url = aws_sqs_queue.failed.id
  policy    = data.aws_iam_policy_document.failed.json
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each      = merge(local.repair_rules, { for name, rule in local.watch_rules : name => rule if var.watch == "everything" })
  name          = each.key
  description   = each.value.description
  state         = each.value.state
  event_pattern = each.value.pattern
}

resource "aws_cloudwatch_event_target" "events" {
  for_each  = aws_cloudwatch_event_rule.events
  rule      = each.value.name
  target_id = "stockade-1"
  arn       = var.guard_bus
  role_arn  = aws_iam_role.forward.arn
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_config_config_rule" "trails" {
  for_each                    = var.config_rules
  name                        = each.value
  maximum_execution_frequency = "One_Hour"
  source {
    owner             = "AWS"
    source_identifier = each.value == "cloudtrail-enabled" ? "CLOUD_TRAIL_ENABLED" : "MULTI_REGION_CLOUD_TRAIL_ENABLED"
  }
}

output "failed_events" {
  description = "What could not be forwarded."
  value       = aws_sqs_queue.failed.id
}
