# The catalogue of repairs: modes, and the permissions that each needs. Written by `cargo xtask templates`.

locals {
  # generated: repairs
  catalogue = {
    P01 = "act"
    P02 = "act"
    P03 = "act"
  }
  repairs = [
    {
      needs      = ["P01.check", "P02.check", "P03.check"]
      actions    = ["cloudtrail:DescribeTrails", "ec2:DescribeRegions"]
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
      needs      = ["P02.check"]
      actions    = ["s3:GetBucketPolicy", "s3:ListBucket"]
      resources  = ["arn:${local.partition}:s3:::${local.trail_bucket}"]
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
