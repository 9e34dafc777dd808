# The catalogue of repairs: modes, and the permissions that each needs. Written by `cargo xtask templates`.

locals {
  # generated: repairs
  catalogue = {
    P01 = "act"
    P02 = "act"
    P03 = "act"
    P04 = "act"
    P05 = "act"
    P09 = "act"
    P10 = "act"
    P12 = "act"
    P16 = "act"
    P17 = "act"
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
      needs      = ["P01.check", "P02.check", "P03.check", "P04.check", "P05.check", "P09.check", "P10.check", "P12.check", "P16.check", "P17.check", "P19.check"]
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
      needs      = ["P05.check"]
      actions    = ["guardduty:ListDetectors"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P05.repair"]
      actions    = ["guardduty:CreateDetector"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P09.check"]
      actions    = ["s3:GetAccountPublicAccessBlock"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P09.repair"]
      actions    = ["s3:PutAccountPublicAccessBlock"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P10.check"]
      actions    = ["s3:ListAllMyBuckets"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P12.check"]
      actions    = ["ec2:DescribeSnapshots"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P16.check"]
      actions    = ["ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"]
      resources  = ["*"]
      conditions = []
    },
    {
      needs      = ["P17.check"]
      actions    = ["kms:ListKeys"]
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
      needs      = ["P12.check"]
      actions    = ["ec2:DescribeSnapshotAttribute"]
      resources  = ["arn:${local.partition}:ec2:*::snapshot/*"]
      conditions = []
    },
    {
      needs      = ["P12.repair"]
      actions    = ["ec2:ModifySnapshotAttribute"]
      resources  = ["arn:${local.partition}:ec2:*::snapshot/*"]
      conditions = []
    },
    {
      needs      = ["P16.repair"]
      actions    = ["ec2:RevokeSecurityGroupIngress"]
      resources  = ["arn:${local.partition}:ec2:*:${local.account}:security-group-rule/*"]
      conditions = []
    },
    {
      needs      = ["P16.repair"]
      actions    = ["ec2:RevokeSecurityGroupIngress"]
      resources  = ["arn:${local.partition}:ec2:*:${local.account}:security-group/*"]
      conditions = [{ test = "Null", variable = "aws:ResourceTag/stockade:exempt", values = ["true"] }]
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
      needs      = ["P05.check"]
      actions    = ["guardduty:GetDetector", "guardduty:GetFilter"]
      resources  = ["arn:${local.partition}:guardduty:*:${local.account}:detector/*"]
      conditions = []
    },
    {
      needs      = ["P05.repair"]
      actions    = ["guardduty:DeleteFilter", "guardduty:TagResource", "guardduty:UpdateDetector"]
      resources  = ["arn:${local.partition}:guardduty:*:${local.account}:detector/*"]
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
      needs      = ["P05.repair"]
      actions    = ["iam:CreateServiceLinkedRole"]
      resources  = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/guardduty.amazonaws.com/*"]
      conditions = [{ test = "StringEquals", variable = "iam:AWSServiceName", values = ["guardduty.amazonaws.com"] }]
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
      needs      = ["P17.check"]
      actions    = ["kms:DescribeKey", "kms:ListResourceTags"]
      resources  = ["arn:${local.partition}:kms:*:${local.account}:key/*"]
      conditions = []
    },
    {
      needs      = ["P17.repair"]
      actions    = ["kms:CancelKeyDeletion", "kms:EnableKey"]
      resources  = ["arn:${local.partition}:kms:*:${local.account}:key/*"]
      conditions = []
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
      needs      = ["P10.check"]
      actions    = ["s3:GetBucketPublicAccessBlock", "s3:GetBucketTagging"]
      resources  = ["arn:${local.partition}:s3:::*"]
      conditions = []
    },
    {
      needs      = ["P10.repair"]
      actions    = ["s3:PutBucketPublicAccessBlock"]
      resources  = ["arn:${local.partition}:s3:::*"]
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
