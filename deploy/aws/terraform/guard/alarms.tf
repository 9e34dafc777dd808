# What somebody should hear of.

locals {
  function = { FunctionName = aws_lambda_function.events.function_name }
  watched = merge({
    EventsFailed = {
      description = "The function stockade-events failed.", namespace = "AWS/Lambda", metric = "Errors",
      dimensions  = local.function, statistic = "Sum", period = 300, threshold = 0, times = 1, silence = "notBreaching"
    }
    EventsThrottled = {
      description = "The function stockade-events had to wait for others of the account.", namespace = "AWS/Lambda", metric = "Throttles",
      dimensions  = local.function, statistic = "Sum", period = 300, threshold = 0, times = 1, silence = "notBreaching"
    }
    FailedEventsWaiting = {
      description = "There are events that could not be delivered or carried through.", namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible",
      dimensions  = { QueueName = aws_sqs_queue.failed.name }, statistic = "Maximum", period = 300, threshold = 0, times = 1, silence = "notBreaching"
    }
    EventsLate = {
      description = "An event has waited for more than ten minutes. What it asks for was tried in vain.", namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage",
      dimensions  = { QueueName = aws_sqs_queue.events.name }, statistic = "Maximum", period = 60, threshold = 600, times = 1, silence = "notBreaching"
    }
    HeartbeatMissing = {
      description = "No heartbeat has come through the queue and the function for three minutes. Stockade is blind.", namespace = "Stockade", metric = "Events",
      dimensions  = { Role = "events" }, statistic = "Sum", period = 60, threshold = 1, times = 3, silence = "breaching"
    }
    ReconcileMissing = {
      description = "Nobody has looked at everything for 15 minutes.", namespace = "AWS/Events", metric = "Invocations",
      dimensions  = { RuleName = aws_cloudwatch_event_rule.reconcile.name }, statistic = "Sum", period = 300, threshold = 1, times = 3, silence = "breaching"
    }
    }, { for function in aws_lambda_function.expire : "ExpireFailed" => {
      description = "The function that ends bans failed.", namespace = "AWS/Lambda", metric = "Errors",
      dimensions  = { FunctionName = function.function_name }, statistic = "Sum", period = 300, threshold = 0, times = 1, silence = "notBreaching"
  } })
}

resource "aws_cloudwatch_metric_alarm" "watched" {
  for_each            = local.watched
  alarm_name          = "stockade-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  threshold           = each.value.threshold
  evaluation_periods  = each.value.times
  comparison_operator = each.value.silence == "breaching" ? "LessThanThreshold" : "GreaterThanThreshold"
  treat_missing_data  = each.value.silence
  alarm_actions       = local.alarms
  ok_actions          = local.alarms
}
