# The function, and its role with the permissions of the chosen playbooks in their modes.

locals {
  order = ["off", "notify", "plan", "approve", "act"]
  # What nothing names goes as far as the catalogue says, and no further than `mode`.
  modes = { for playbook, mode in local.catalogue : playbook =>
    lookup(var.playbooks, playbook, local.order[min(index(local.order, mode), index(local.order, var.mode))])
  }
  needs = concat(
    [for playbook, mode in local.modes : "${playbook}.check" if mode != "off"],
    [for playbook, mode in local.modes : "${playbook}.repair" if contains(["approve", "act"], mode)],
  )
  granted = [for one in local.repairs : one if length(setintersection(one.needs, local.needs)) > 0]

  trail_bucket   = var.trail_bucket == null ? "*" : var.trail_bucket
  trail_log_role = var.trail_log_role == null ? "arn:${local.partition}:iam::${local.account}:role/*" : var.trail_log_role

  environment = {
    STOCKADE_AWS_TABLE    = local.bans.table
    STOCKADE_AWS_TOPIC    = local.bans.topic
    STOCKADE_AWS_SNAPSHOT = local.bans.snapshot
    STOCKADE_CONFIG       = var.configuration
  }
}

resource "aws_lambda_function" "events" {
  function_name = "stockade-events"
  description   = "Stockade. Events to bans, notices and repairs; on a schedule, a look at everything."
  runtime       = "provided.al2023"
  architectures = ["x86_64"]
  handler       = "events"
  s3_bucket     = var.code_bucket
  s3_key        = var.code_key
  memory_size   = var.memory
  timeout       = 300
  role          = aws_iam_role.events.arn
  dead_letter_config {
    target_arn = aws_sqs_queue.failed.arn
  }
  environment {
    variables = merge(local.environment, {
      STOCKADE_REPAIR_MODE          = var.mode
      STOCKADE_REPAIR_PLAYBOOKS     = join(",", [for playbook, mode in var.playbooks : "${playbook}=${mode}"])
      STOCKADE_REPAIR_TRIAL         = var.trial
      STOCKADE_REPAIR_REGIONS       = join(",", var.regions)
      STOCKADE_REPAIR_MEMBERS       = join(",", var.member_roles)
      STOCKADE_REPAIR_EXTERNAL_ID   = var.external_id
      STOCKADE_REPAIR_SHELF         = "dynamodb:${local.bans.table}"
      STOCKADE_REPAIR_LINK_SECRET   = var.link_secret == null ? "" : "ssm:${var.link_secret}"
      STOCKADE_REPAIR_OWN_FUNCTIONS = "stockade-events"
      STOCKADE_REPAIR_OWN_ROLES     = aws_iam_role.events.arn
    })
  }
  depends_on = [aws_cloudwatch_log_group.events, aws_iam_role_policy.events]
}

resource "aws_cloudwatch_log_group" "events" {
  name              = "/aws/lambda/stockade-events"
  retention_in_days = var.log_retention
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "events" {
  name               = "stockade-events-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

data "aws_iam_policy_document" "configuration" {
  dynamic "statement" {
    for_each = startswith(var.configuration, "s3://") ? [trimprefix(var.configuration, "s3://")] : []
    content {
      sid       = "ConfigurationObject"
      actions   = ["s3:GetObject"]
      resources = ["arn:${local.partition}:s3:::${statement.value}"]
    }
  }
  dynamic "statement" {
    for_each = startswith(var.configuration, "ssm:") ? [trimprefix(var.configuration, "ssm:")] : []
    content {
      sid       = "ConfigurationParameter"
      actions   = ["ssm:GetParameter"]
      resources = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${statement.value}"]
    }
  }
}

data "aws_iam_policy_document" "function" {
  source_policy_documents = [data.aws_iam_policy_document.configuration.json]
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.events.arn}:*"]
  }
  statement {
    sid       = "Queue"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [aws_sqs_queue.events.arn]
  }
  statement {
    sid       = "Failed"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]
  }
  statement {
    sid       = "Table"
    actions   = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [local.table_arn]
  }
  statement {
    sid       = "Announce"
    actions   = ["sns:Publish"]
    resources = [local.bans.topic, aws_sns_topic.notices.arn]
  }
  dynamic "statement" {
    for_each = var.read_trail_files ? [var.trail_bucket] : []
    content {
      sid       = "TrailFiles"
      actions   = ["s3:GetObject"]
      resources = ["arn:${local.partition}:s3:::${statement.value}/*"]
    }
  }
  dynamic "statement" {
    for_each = var.read_trail_files && var.trail_key != null ? [var.trail_key] : []
    content {
      sid       = "TrailKey"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
  dynamic "statement" {
    for_each = var.link_secret == null ? [] : [var.link_secret]
    content {
      sid       = "LinkSecret"
      actions   = ["ssm:GetParameter"]
      resources = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${statement.value}"]
    }
  }
  dynamic "statement" {
    for_each = var.link_secret == null ? [] : ["stockade-events"]
    content {
      sid       = "OwnUrl"
      actions   = ["lambda:GetFunctionUrlConfig"]
      resources = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${statement.value}"]
    }
  }
  dynamic "statement" {
    for_each = length(var.member_roles) > 0 ? [var.member_roles] : []
    content {
      sid       = "Members"
      actions   = ["sts:AssumeRole"]
      resources = statement.value
    }
  }
}

resource "aws_iam_role_policy" "events" {
  name   = "events"
  role   = aws_iam_role.events.id
  policy = data.aws_iam_policy_document.function.json
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
  role   = aws_iam_role.events.id
  policy = data.aws_iam_policy_document.repairs.json
}

# The provider adds the permissions that a public URL needs: since 6.29 both of them, before that only the first.
resource "aws_lambda_function_url" "events" {
  count              = var.link_secret == null ? 0 : 1
  function_name      = aws_lambda_function.events.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_event_source_mapping" "events" {
  function_name                      = aws_lambda_function.events.arn
  event_source_arn                   = aws_sqs_queue.events.arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = 0
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = 5
  }
}

resource "aws_cloudwatch_event_rule" "reconcile" {
  name                = "stockade-reconcile"
  description         = "Has Stockade look at everything that it guards."
  schedule_expression = var.reconcile_every
}

resource "aws_cloudwatch_event_target" "reconcile" {
  rule      = aws_cloudwatch_event_rule.reconcile.name
  target_id = "stockade-1"
  arn       = aws_lambda_function.events.arn
}

resource "aws_lambda_permission" "reconcile" {
  function_name = aws_lambda_function.events.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.reconcile.arn
}

resource "aws_lambda_function_event_invoke_config" "reconcile" {
  function_name                = aws_lambda_function.events.function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 300
}
