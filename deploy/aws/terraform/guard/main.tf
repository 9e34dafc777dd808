# The guard of one region, as deploy/aws/guard.yaml makes it: there stands why each thing is as it is.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31" # the state of EventBridge's rules
    }
  }
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.name
  rule_arns = "arn:${local.partition}:events:${local.region}:${local.account}:rule/stockade-*"
  alarms    = var.alarm_topic == null ? [] : [var.alarm_topic]
}

resource "aws_sqs_queue" "events" {
  name                       = "stockade-events"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 330
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = 12
  })
}

resource "aws_sqs_queue" "failed" {
  name                      = "stockade-events-failed"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

data "aws_iam_policy_document" "events" {
  statement {
    sid       = "Rules"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.events.arn]
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
  dynamic "statement" {
    for_each = var.read_trail_files ? [var.trail_bucket] : []
    content {
      sid       = "TrailFiles"
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.events.arn]
      principals {
        type        = "Service"
        identifiers = ["s3.amazonaws.com"]
      }
      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = ["arn:${local.partition}:s3:::${statement.value}"]
      }
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  queue_url = aws_sqs_queue.events.id
  policy    = data.aws_iam_policy_document.events.json
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
  arn       = aws_sqs_queue.events.arn
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_cloudwatch_event_bus" "events" {
  name = "stockade-events"
}

data "aws_iam_policy_document" "bus" {
  count = length(var.member_accounts) > 0 ? 1 : 0
  statement {
    sid       = "Members"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.events.arn]
    principals {
      type        = "AWS"
      identifiers = var.member_accounts
    }
  }
}

resource "aws_cloudwatch_event_bus_policy" "members" {
  count          = length(var.member_accounts) > 0 ? 1 : 0
  event_bus_name = aws_cloudwatch_event_bus.events.name
  policy         = data.aws_iam_policy_document.bus[0].json
}

resource "aws_cloudwatch_event_rule" "forwarded" {
  name           = "stockade-forwarded"
  description    = "What other regions and accounts forward to Stockade."
  event_bus_name = aws_cloudwatch_event_bus.events.name
  state          = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
  event_pattern  = jsonencode({ source = [{ prefix = "" }] })
}

resource "aws_cloudwatch_event_target" "forwarded" {
  rule           = aws_cloudwatch_event_rule.forwarded.name
  event_bus_name = aws_cloudwatch_event_bus.events.name
  target_id      = "stockade-1"
  arn            = aws_sqs_queue.events.arn
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_cloudwatch_event_rule" "heartbeat" {
  name                = "stockade-heartbeat"
  description         = "Shows that events reach Stockade."
  schedule_expression = "rate(1 minute)"
}

resource "aws_cloudwatch_event_target" "heartbeat" {
  rule      = aws_cloudwatch_event_rule.heartbeat.name
  target_id = "stockade-1"
  arn       = aws_sqs_queue.events.arn
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

resource "aws_sns_topic" "notices" {
  name              = "stockade-notices"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.notice_email == null ? 0 : 1
  topic_arn = aws_sns_topic.notices.arn
  protocol  = "email"
  endpoint  = var.notice_email
}
