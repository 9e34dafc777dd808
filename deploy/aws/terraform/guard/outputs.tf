output "queue" {
  description = "Where events go, also those of rules of your own."
  value       = aws_sqs_queue.events.arn
}

output "queue_url" {
  description = "The same, for `[events] queue` of a daemon."
  value       = aws_sqs_queue.events.id
}

output "failed_events" {
  description = "What could not be delivered or done."
  value       = aws_sqs_queue.failed.id
}

output "bus" {
  description = "Where other regions and accounts forward to, `guard_bus` of the module guard-region."
  value       = aws_cloudwatch_event_bus.events.arn
}

output "role" {
  description = "Who assumes roles of other accounts, `guard_role` of the module guard-member."
  value       = aws_iam_role.events.arn
}

output "function" {
  description = "The function."
  value       = aws_lambda_function.events.arn
}

output "notices" {
  description = "Where notices are published."
  value       = aws_sns_topic.notices.arn
}

output "url" {
  description = "Where the links of notices lead."
  value       = one(aws_lambda_function_url.events[*].function_url)
}

output "bans" {
  description = "Where matches, bans and the record of repairs are kept, where bans are announced, and every live ban for hosts that start."
  value       = local.bans
}
