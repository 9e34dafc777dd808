# What is remembered, how bans travel, and what ends them, where `bans` names none.

locals {
  alone = var.bans == null
  bans = local.alone ? {
    table    = aws_dynamodb_table.bans[0].name
    topic    = aws_sns_topic.bans[0].arn
    snapshot = "s3://${aws_s3_bucket.snapshots[0].bucket}/live.gz"
  } : var.bans
  table_arn = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${local.bans.table}"
}

resource "aws_dynamodb_table" "bans" {
  count            = local.alone ? 1 : 0
  name             = var.table_name
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "pk"
  range_key        = "sk"
  stream_enabled   = true
  stream_view_type = "NEW_IMAGE"

  dynamic "attribute" {
    for_each = ["pk", "sk", "bpk", "bsk"]
    content {
      name = attribute.value
      type = "S"
    }
  }
  global_secondary_index {
    name            = "bans"
    hash_key        = "bpk"
    range_key       = "bsk"
    projection_type = "ALL"
  }
  ttl {
    attribute_name = "ttl"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sns_topic" "bans" {
  count             = local.alone ? 1 : 0
  name              = var.topic_name
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_s3_bucket" "snapshots" {
  count         = local.alone ? 1 : 0
  bucket_prefix = "stockade-snapshots-"
}

resource "aws_s3_bucket_public_access_block" "snapshots" {
  count                   = local.alone ? 1 : 0
  bucket                  = aws_s3_bucket.snapshots[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "snapshots" {
  count  = local.alone ? 1 : 0
  bucket = aws_s3_bucket.snapshots[0].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "snapshots" {
  count  = local.alone ? 1 : 0
  bucket = aws_s3_bucket.snapshots[0].id
  rule {
    id     = "old-snapshots"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "snapshots" {
  count = local.alone ? 1 : 0
  statement {
    sid       = "OnlyEncrypted"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.snapshots[0].arn, "${aws_s3_bucket.snapshots[0].arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "snapshots" {
  count  = local.alone ? 1 : 0
  bucket = aws_s3_bucket.snapshots[0].id
  policy = data.aws_iam_policy_document.snapshots[0].json
}

resource "aws_lambda_function" "expire" {
  count         = local.alone ? 1 : 0
  function_name = "stockade-expire"
  description   = "Stockade. On a schedule: unbans, the snapshot, and what was not confirmed."
  runtime       = "provided.al2023"
  architectures = ["x86_64"]
  handler       = "expire"
  s3_bucket     = var.code_bucket
  s3_key        = var.code_key
  memory_size   = var.memory
  timeout       = 300
  role          = aws_iam_role.expire[0].arn
  dead_letter_config {
    target_arn = aws_sqs_queue.failed.arn
  }
  environment {
    variables = local.environment
  }
  depends_on = [aws_cloudwatch_log_group.expire, aws_iam_role_policy.expire]
}

resource "aws_cloudwatch_log_group" "expire" {
  count             = local.alone ? 1 : 0
  name              = "/aws/lambda/stockade-expire"
  retention_in_days = var.log_retention
}

resource "aws_iam_role" "expire" {
  count              = local.alone ? 1 : 0
  name               = "stockade-expire-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

data "aws_iam_policy_document" "expire" {
  count                   = local.alone ? 1 : 0
  source_policy_documents = [data.aws_iam_policy_document.configuration.json]
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.expire[0].arn}:*"]
  }
  statement {
    sid       = "Table"
    actions   = ["dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [local.table_arn]
  }
  statement {
    sid       = "LiveBans"
    actions   = ["dynamodb:Query"]
    resources = ["${local.table_arn}/index/bans"]
  }
  statement {
    sid       = "Announce"
    actions   = ["sns:Publish"]
    resources = [local.bans.topic]
  }
  statement {
    sid       = "Snapshot"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.snapshots[0].arn}/live.gz"]
  }
  statement {
    sid       = "Failed"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]
  }
}

resource "aws_iam_role_policy" "expire" {
  count  = local.alone ? 1 : 0
  name   = "expire"
  role   = aws_iam_role.expire[0].id
  policy = data.aws_iam_policy_document.expire[0].json
}

resource "aws_lambda_function_event_invoke_config" "expire" {
  count                        = local.alone ? 1 : 0
  function_name                = aws_lambda_function.expire[0].function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 300
}

resource "aws_cloudwatch_event_rule" "expire" {
  count               = local.alone ? 1 : 0
  name                = "stockade-expire"
  description         = "Has Stockade end bans."
  schedule_expression = var.expire_every
}

resource "aws_cloudwatch_event_target" "expire" {
  count     = local.alone ? 1 : 0
  rule      = aws_cloudwatch_event_rule.expire[0].name
  target_id = "expire"
  arn       = aws_lambda_function.expire[0].arn
}

resource "aws_lambda_permission" "expire" {
  count         = local.alone ? 1 : 0
  function_name = aws_lambda_function.expire[0].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.expire[0].arn
}
