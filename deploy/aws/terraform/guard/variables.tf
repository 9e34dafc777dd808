# Program.

variable "code_bucket" {
  type        = string
  description = "The bucket that holds the package."
}

variable "code_key" {
  type        = string
  description = "The key of the package, made by `cargo xtask package lambda`; another one for every version."
}

variable "configuration" {
  type        = string
  default     = ""
  description = "Where the configuration is, if it is not the package's: `s3://BUCKET/KEY` or `ssm:/NAME`."

  validation {
    condition     = can(regex("^(s3://[a-z0-9.-]+/.+|ssm:/[a-zA-Z0-9._/-]+)?$", var.configuration))
    error_message = "Expected `s3://BUCKET/KEY`, `ssm:/NAME` or nothing."
  }
}

variable "memory" {
  type        = number
  default     = 256
  description = "MB of each function."
}

# What is watched.

variable "watch" {
  type        = string
  default     = "everything"
  description = "`everything`: all rules that come with Stockade. `repairs`: only what leads to repairs."

  validation {
    condition     = contains(["everything", "repairs"], var.watch)
    error_message = "Expected `everything` or `repairs`."
  }
}

variable "config_rules" {
  type        = set(string)
  default     = []
  description = "Which managed rules of AWS Config to make. They need a recorder in this region, and are none of them there already."

  validation {
    condition     = alltrue([for rule in var.config_rules : contains(["cloudtrail-enabled", "multi-region-cloudtrail-enabled"], rule)])
    error_message = "Expected `cloudtrail-enabled`, `multi-region-cloudtrail-enabled`."
  }
}

variable "trail_bucket" {
  type        = string
  default     = null
  description = "The bucket that trails write to. Without it the permissions to look at such a bucket are for all of them."
}

variable "read_trail_files" {
  type        = bool
  default     = false
  description = "Whether the bucket may tell the queue of new files and the function may read them. Its notification is set on the bucket itself."
}

variable "trail_key" {
  type        = string
  default     = null
  description = "The ARN of the KMS key of these files, if they have one of your own."
}

# How far repairs go.

variable "mode" {
  type        = string
  default     = "act"
  description = "How far repairs go at most. For the time of `trial` they only say what they would do, then each goes as far as the catalogue says, and no further than this."

  validation {
    condition     = contains(["off", "notify", "plan", "approve", "act"], var.mode)
    error_message = "Expected `off`, `notify`, `plan`, `approve` or `act`."
  }
}

variable "playbooks" {
  type        = map(string)
  default     = {}
  description = "How far playbooks may go, by number, where that is not as `mode` says: `{ P01 = \"act\" }`."

  validation {
    condition     = alltrue([for mode in values(var.playbooks) : contains(["off", "notify", "plan", "approve", "act"], mode)])
    error_message = "Expected `off`, `notify`, `plan`, `approve` or `act`."
  }
}

variable "trial" {
  type        = string
  default     = "7d"
  description = "How long repairs only say what they would do, in days or hours."
}

variable "trail_log_role" {
  type        = string
  default     = null
  description = "The ARN of the role by which trails write to CloudWatch Logs. Without it any role that CloudTrail may have."
}

# Other regions and accounts.

variable "regions" {
  type        = list(string)
  default     = []
  description = "The regions that the schedule looks at; all that are enabled if none is named."
}

variable "member_accounts" {
  type        = list(string)
  default     = []
  description = "The accounts that may forward events to here."
}

variable "member_roles" {
  type        = list(string)
  default     = []
  description = "The ARNs of the roles to assume in other accounts, the outputs of the module guard-member; one of each account."
}

variable "external_id" {
  type        = string
  default     = ""
  description = "The text that these roles ask for, their `external_id`; one for all."

  validation {
    condition     = can(regex("^([A-Za-z0-9+=,.@:/-]{8,1224})?$", var.external_id))
    error_message = "Expected 8 to 1224 letters, digits and `+=,.@:/-`, or nothing."
  }
}

# Bans.

variable "bans" {
  type = object({
    table    = string
    topic    = string
    snapshot = string
  })
  default     = null
  description = "What bans.yaml made, its outputs Table, Topic and Snapshot. Without it a table, a topic and a bucket are made, and the function that ends bans."
}

variable "table_name" {
  type        = string
  default     = "Stockade"
  description = "The new table."
}

variable "topic_name" {
  type        = string
  default     = "F2B"
  description = "The new topic. F2B is the name that Cloud-Fail2Ban's clients know."
}

# Operation.

variable "reconcile_every" {
  type        = string
  default     = "rate(5 minutes)"
  description = "How often everything is looked at without an event. The alarm allows for 15 minutes."
}

variable "expire_every" {
  type        = string
  default     = "rate(1 minute)"
  description = "How often ended bans are announced and the snapshot is written."
}

variable "log_retention" {
  type        = number
  default     = 30
  description = "Days for which the functions' own logs are kept."
}

variable "notice_email" {
  type        = string
  default     = null
  description = "An address that notices go to."
}

variable "link_secret" {
  type        = string
  default     = null
  description = "The name of an SSM parameter, with its first slash, that holds at least 32 bytes nobody can guess. With it notices get signed links by which a repair that waits is approved or refused."
}

variable "alarm_topic" {
  type        = string
  default     = null
  description = "The ARN of an SNS topic that alarms go to. Without it they are only seen."
}
