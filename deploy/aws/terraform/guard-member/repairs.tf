# The catalogue of repairs: modes, and the permissions that each needs. Written by `cargo xtask templates`.

locals {
  # generated: repairs
  catalogue = {
    P01 = "act"
    P02 = "act"
    P03 = "act"
    P04 = "act"
    P19 = "act"
  }
  repairs = [
    {
      needs      = ["P01.check", "P02.check", "P03.check"]
      actions    = ["cloudtrail:DescribeTrails"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P01.check", "P02.check", "P03.check", "P04.check", "P19.check"]
      actions    = ["ec2:DescribeRegions"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P04.check"]
      actions    = ["lambda:ListEventSourceMappings", "sqs:ListQueues"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P19.check"]
      actions    = ["iam:GetAccessKeyLastUsed"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P01.check", "P02.check", "P03.check"]
      actions    = ["cloudtrail:GetTrailStatus", "cloudtrail:ListTags"]
      resources  = ["arn:${local.partition}:cloudtrail:*:${local.account}:trail/*"]
      conditions = []
    },
    {
      needs      = ["P01.repair", "P02.repair"]
      actions    = ["cloudtrail:StartLogging"]
      resources  = ["arn:${local.partition}:cloudtrail:*:${local.account}:trail/*"]
      conditions = []
    },
    {
      needs      = ["P02.check", "P03.check"]
      actions    = ["cloudtrail:GetEventSelectors", "cloudtrail:GetInsightSelectors"]
      resources  = ["arn:${local.partition}:cloudtrail:*:${local.account}:trail/*"]
      conditions = []
    },
    {
      needs      = ["P02.repair"]
      actions    = ["cloudtrail:AddTags", "cloudtrail:CreateTrail"]
      resources  = ["arn:${local.partition}:cloudtrail:*:${local.account}:trail/*"]
      conditions = []
    },
    {
      needs      = ["P02.repair", "P03.repair"]
      actions    = ["cloudtrail:PutEventSelectors", "cloudtrail:PutInsightSelectors", "cloudtrail:UpdateTrail"]
      resources  = ["arn:${local.partition}:cloudtrail:*:${local.account}:trail/*"]
      conditions = []
    },
    {
      needs      = ["P04.check"]
      actions    = ["events:ListRules"]
      resources  = ["arn:${local.partition}:events:*:${local.account}:rule/*"]
      conditions = []
    },
    {
      needs      = ["P04.check"]
      actions    = ["events:ListTagsForResource", "events:ListTargetsByRule"]
      resources  = ["arn:${local.partition}:events:*:${local.account}:rule/stockade-*"]
      conditions = []
    },
    {
      needs      = ["P04.repair"]
      actions    = ["events:EnableRule", "events:PutRule", "events:PutTargets", "events:TagResource"]
      resources  = ["arn:${local.partition}:events:*:${local.account}:rule/stockade-*"]
      conditions = []
    },
    {
      needs      = ["P19.check"]
      actions    = ["iam:ListEntitiesForPolicy"]
      resources  = ["arn:${local.partition}:iam::aws:policy/AWSCompromisedKeyQuarantine*"]
      conditions = []
    },
    {
      needs      = ["P19.check"]
      actions    = ["iam:GetRole", "iam:ListAttachedRolePolicies"]
      resources  = ["arn:${local.partition}:iam::${local.account}:role/*"]
      conditions = []
    },
    {
      needs      = ["P19.repair"]
      actions    = ["iam:AttachRolePolicy"]
      resources  = ["arn:${local.partition}:iam::${local.account}:role/*"]
      conditions = [{ test = "ArnEquals", variable = "iam:PolicyARN", values = ["arn:${local.partition}:iam::aws:policy/AWSDenyAll"] }]
    },
    {
      needs      = ["P04.check"]
      actions    = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
      resources  = ["arn:${local.partition}:iam::${local.account}:role/stockade-*"]
      conditions = []
    },
    {
      needs      = ["P19.check"]
      actions    = ["iam:GetUser", "iam:ListAccessKeys", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies"]
      resources  = ["arn:${local.partition}:iam::${local.account}:user/*"]
      conditions = []
    },
    {
      needs      = ["P19.repair"]
      actions    = ["iam:UpdateAccessKey"]
      resources  = ["arn:${local.partition}:iam::${local.account}:user/*"]
      conditions = []
    },
    {
      needs      = ["P19.repair"]
      actions    = ["iam:AttachUserPolicy"]
      resources  = ["arn:${local.partition}:iam::${local.account}:user/*"]
      conditions = [{ test = "ArnEquals", variable = "iam:PolicyARN", values = ["arn:${local.partition}:iam::aws:policy/AWSDenyAll"] }]
    },
    {
      needs      = ["P04.repair"]
      actions    = ["lambda:UpdateEventSourceMapping"]
      resources  = ["arn:${local.partition}:lambda:*:${local.account}:event-source-mapping:*"]
      conditions = [{ test = "ArnLike", variable = "lambda:FunctionArn", values = ["arn:${local.partition}:lambda:*:${local.account}:function:stockade-*"] }]
    },
    {
      needs      = ["P04.check"]
      actions    = ["lambda:GetFunctionConcurrency", "lambda:GetFunctionConfiguration"]
      resources  = ["arn:${local.partition}:lambda:*:${local.account}:function:stockade-*"]
      conditions = []
    },
    {
      needs      = ["P04.repair"]
      actions    = ["lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"]
      resources  = ["arn:${local.partition}:lambda:*:${local.account}:function:stockade-*"]
      conditions = []
    },
    {
      needs      = ["P02.check"]
      actions    = ["s3:GetBucketPolicy", "s3:ListBucket"]
      resources  = ["arn:${local.partition}:s3:::${local.trail_bucket}"]
      conditions = []
    },
    {
      needs      = ["P04.check"]
      actions    = ["sqs:GetQueueAttributes", "sqs:ListQueueTags"]
      resources  = ["arn:${local.partition}:sqs:*:${local.account}:stockade-*"]
      conditions = []
    },
    {
      needs      = ["P04.repair"]
      actions    = ["sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:TagQueue"]
      resources  = ["arn:${local.partition}:sqs:*:${local.account}:stockade-*"]
      conditions = []
    },
    {
      needs      = ["P02.repair", "P03.repair"]
      actions    = ["iam:PassRole"]
      resources  = ["${local.trail_log_role}"]
      conditions = [{ test = "StringEquals", variable = "iam:PassedToService", values = ["cloudtrail.amazonaws.com"] }]
    },
  ]
  # end
}
