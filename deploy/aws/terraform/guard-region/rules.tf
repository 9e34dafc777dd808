# The EventBridge rules that `stockade rules export` prints for the shipped rules. Written by `cargo xtask templates`.

locals {
  # generated: rules
  repair_rules = {
    "stockade-repair-events-1" = {
      description = "Feeds Stockade: cloudtrail-deleted, cloudtrail-stopped, cloudtrail-weakened, security-group-open"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.cloudtrail"], "detail": {"eventSource": ["cloudtrail.amazonaws.com"],
        "$or": [{"eventName": ["UpdateTrail"], "requestParameters": {"$or": [{"cloudWatchLogsLogGroupArn": [""]},
        {"enableLogFileValidation": [false]}, {"includeGlobalServiceEvents": [false]}, {"isMultiRegionTrail": [false]},
        {"isOrganizationTrail": [false]}, {"kmsKeyId": [""]}, {"s3BucketName": [{"exists": true}]}]}},
        {"eventName": ["DeleteTrail", "StopLogging"]}, {"eventName": ["PutEventSelectors"],
        "requestParameters": {"advancedEventSelectors": {"fieldSelectors": {"field": [{"exists": true}]}}}},
        {"eventName": ["PutEventSelectors"], "requestParameters": {"advancedEventSelectors": {"name": [{"exists": true}]}}},
        {"eventName": ["PutEventSelectors"],
        "requestParameters": {"eventSelectors": {"excludeManagementEventSources": [{"exists": true}]}}},
        {"eventName": ["PutEventSelectors"], "requestParameters": {"eventSelectors": {"includeManagementEvents": [false]}}},
        {"eventName": ["PutEventSelectors"], "requestParameters": {"eventSelectors": {"readWriteType": ["ReadOnly",
        "WriteOnly"]}}}]}}, {"source": ["aws.ec2"], "detail": {"eventSource": ["ec2.amazonaws.com"],
        "eventName": ["AuthorizeSecurityGroupIngress"], "requestParameters": {"cidrIp": [{"suffix": "/0"}, {"suffix": "/1"},
        {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"}, {"suffix": "/7"}],
        "$or": [{"fromPort": [80], "ipProtocol": ["17", "6", "tcp", "udp"], "toPort": [443]}, {"fromPort": [{"anything-but": [80,
        443]}], "ipProtocol": ["17", "6", "tcp", "udp"]}, {"ipProtocol": ["-1"]}, {"ipProtocol": ["17", "6", "tcp", "udp"],
        "toPort": [{"anything-but": [80, 443]}]}]}}}, {"source": ["aws.ec2"], "detail": {"eventSource": ["ec2.amazonaws.com"],
        "eventName": ["AuthorizeSecurityGroupIngress"], "requestParameters": {"ipPermissions": {"items": {"fromPort": [80],
        "ipProtocol": ["17", "6", "tcp", "udp"], "ipRanges": {"items": {"cidrIp": [{"suffix": "/0"}, {"suffix": "/1"},
        {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"}, {"suffix": "/7"}]}},
        "toPort": [443]}}}}}]}
      )
    }
    "stockade-repair-events-2" = {
      description = "Feeds Stockade: security-group-open"
      state       = "ENABLED"
      pattern = jsonencode(
        {"source": ["aws.ec2"], "detail-type": ["AWS API Call via CloudTrail"], "detail": {"eventSource": ["ec2.amazonaws.com"],
        "eventName": ["AuthorizeSecurityGroupIngress"], "errorCode": [{"exists": false}],
        "$or": [{"requestParameters": {"ipPermissions": {"items": {"ipv6Ranges": {"items": {"cidrIpv6": [{"suffix": "/0"},
        {"suffix": "/1"}, {"suffix": "/10"}, {"suffix": "/11"}, {"suffix": "/12"}, {"suffix": "/13"}, {"suffix": "/14"},
        {"suffix": "/15"}, {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"},
        {"suffix": "/7"}, {"suffix": "/8"}, {"suffix": "/9"}]}}, "$or": [{"ipProtocol": ["17", "6", "tcp", "udp"],
        "$or": [{"fromPort": [80], "toPort": [443]}, {"fromPort": [{"anything-but": [80, 443]}]},
        {"toPort": [{"anything-but": [80, 443]}]}]}, {"ipProtocol": ["-1"]}]}}}},
        {"responseElements": {"securityGroupRuleSet": {"items": {"cidrIpv4": [{"suffix": "/0"}, {"suffix": "/1"},
        {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"}, {"suffix": "/7"}],
        "$or": [{"fromPort": [80], "ipProtocol": ["17", "6", "tcp", "udp"], "toPort": [443]}, {"fromPort": [{"anything-but": [80,
        443]}], "ipProtocol": ["17", "6", "tcp", "udp"]}, {"ipProtocol": ["-1"]}, {"ipProtocol": ["17", "6", "tcp", "udp"],
        "toPort": [{"anything-but": [80, 443]}]}]}}}},
        {"requestParameters": {"ipPermissions": {"items": {"ipRanges": {"items": {"cidrIp": [{"suffix": "/0"}, {"suffix": "/1"},
        {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"}, {"suffix": "/7"}]}},
        "$or": [{"fromPort": [{"anything-but": [80, 443]}], "ipProtocol": ["17", "6", "tcp", "udp"]}, {"ipProtocol": ["-1"]},
        {"ipProtocol": ["17", "6", "tcp", "udp"], "toPort": [{"anything-but": [80, 443]}]}]}}}},
        {"responseElements": {"securityGroupRuleSet": {"items": {"cidrIpv6": [{"suffix": "/0"}, {"suffix": "/1"},
        {"suffix": "/10"}, {"suffix": "/11"}, {"suffix": "/12"}, {"suffix": "/13"}, {"suffix": "/14"}, {"suffix": "/15"},
        {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"}, {"suffix": "/7"},
        {"suffix": "/8"}, {"suffix": "/9"}], "ipProtocol": ["17", "6", "tcp", "udp"], "$or": [{"fromPort": [80], "toPort": [443]},
        {"fromPort": [{"anything-but": [80, 443]}]}]}}}}]}}
      )
    }
    "stockade-repair-events-3" = {
      description = "Feeds Stockade: ebs-snapshot-shared, security-group-open"
      state       = "ENABLED"
      pattern = jsonencode(
        {"source": ["aws.ec2"], "detail-type": ["AWS API Call via CloudTrail"], "detail": {"eventSource": ["ec2.amazonaws.com"],
        "errorCode": [{"exists": false}], "$or": [{"eventName": ["ModifySecurityGroupRules"],
        "requestParameters": {"ModifySecurityGroupRulesRequest": {"SecurityGroupRule": {"SecurityGroupRule": {"CidrIpv6": [{"suffix": "/0"},
        {"suffix": "/1"}, {"suffix": "/10"}, {"suffix": "/11"}, {"suffix": "/12"}, {"suffix": "/13"}, {"suffix": "/14"},
        {"suffix": "/15"}, {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"},
        {"suffix": "/7"}, {"suffix": "/8"}, {"suffix": "/9"}], "$or": [{"IpProtocol": ["17", "6", "tcp", "udp"],
        "$or": [{"FromPort": [80], "ToPort": [443]}, {"FromPort": [{"anything-but": [80, 443]}]},
        {"ToPort": [{"anything-but": [80, 443]}]}]}, {"IpProtocol": ["-1"]}]}}}}}, {"eventName": ["ModifySecurityGroupRules"],
        "requestParameters": {"ModifySecurityGroupRulesRequest": {"SecurityGroupRule": {"SecurityGroupRule": {"CidrIpv4": [{"suffix": "/0"},
        {"suffix": "/1"}, {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"},
        {"suffix": "/7"}], "$or": [{"IpProtocol": ["17", "6", "tcp", "udp"], "$or": [{"FromPort": [80], "ToPort": [443]},
        {"FromPort": [{"anything-but": [80, 443]}]}, {"ToPort": [{"anything-but": [80, 443]}]}]}, {"IpProtocol": ["-1"]}]}}}}},
        {"eventName": ["AuthorizeSecurityGroupIngress"],
        "responseElements": {"securityGroupRuleSet": {"items": {"cidrIpv6": [{"suffix": "/0"}, {"suffix": "/1"},
        {"suffix": "/10"}, {"suffix": "/11"}, {"suffix": "/12"}, {"suffix": "/13"}, {"suffix": "/14"}, {"suffix": "/15"},
        {"suffix": "/2"}, {"suffix": "/3"}, {"suffix": "/4"}, {"suffix": "/5"}, {"suffix": "/6"}, {"suffix": "/7"},
        {"suffix": "/8"}, {"suffix": "/9"}], "$or": [{"ipProtocol": ["-1"]}, {"ipProtocol": ["17", "6", "tcp", "udp"],
        "toPort": [{"anything-but": [80, 443]}]}]}}}}, {"eventName": ["ModifySnapshotAttribute"],
        "requestParameters": {"createVolumePermission": {"add": {"items": {"$or": [{"group": ["all"]},
        {"userId": [{"exists": true}]}]}}}}}]}}
      )
    }
    "stockade-repair-events-4" = {
      description = "Feeds Stockade: access-key-leaked, guardduty-weakened, kms-key-disabled, s3-account-public-access, s3-bucket-public-access, stockade-tampered. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.guardduty"], "detail": {"eventSource": ["guardduty.amazonaws.com"],
        "$or": [{"eventName": ["CreateFilter", "UpdateFilter"], "requestParameters": {"action": ["ARCHIVE"]}},
        {"eventName": ["CreateIPSet", "CreateTrustedEntitySet", "DeleteDetector", "DeleteMembers",
        "DisassociateFromAdministratorAccount", "DisassociateFromMasterAccount", "DisassociateMembers", "StopMonitoringMembers",
        "UpdateIPSet"]}, {"eventName": ["UpdateDetector"], "requestParameters": {"enable": [false]}}]}},
        {"source": ["aws.events"], "detail": {"eventSource": ["events.amazonaws.com"], "$or": [{"eventName": ["DeleteRule",
        "DisableRule", "RemoveTargets"], "requestParameters": {"$or": [{"name": [{"prefix": "stockade-"}]},
        {"rule": [{"prefix": "stockade-"}]}]}}, {"eventName": ["PutRule"],
        "requestParameters": {"name": [{"prefix": "stockade-"}], "state": ["DISABLED"]}}]}}, {"source": ["aws.iam"],
        "detail": {"eventSource": ["iam.amazonaws.com"], "$or": [{"eventName": ["AttachUserPolicy"],
        "requestParameters": {"policyArn": [{"prefix": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine"}]}},
        {"eventName": ["DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePolicy", "UpdateAssumeRolePolicy"],
        "requestParameters": {"roleName": [{"prefix": "stockade-"}]}}, {"eventName": ["PutUserPolicy"],
        "requestParameters": {"policyName": [{"prefix": "AWSCompromisedKeyQuarantine"},
        {"prefix": "AWSExposedCredentialPolicy"}]}}]}}, {"source": ["aws.kms"], "detail": {"eventSource": ["kms.amazonaws.com"],
        "eventName": ["DeleteImportedKeyMaterial", "DisableKey", "ScheduleKeyDeletion"]}}, {"source": ["aws.lambda"],
        "detail": {"eventSource": ["lambda.amazonaws.com"], "eventName": ["DeleteFunction20150331",
        "PutFunctionConcurrency20171031", "UpdateFunctionConfiguration20150331v2"],
        "requestParameters": {"functionName": [{"wildcard": "*stockade-*"}]}}}, {"source": ["aws.s3"],
        "detail": {"eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteAccountPublicAccessBlock",
        "DeleteBucketPublicAccessBlock", "PutAccountPublicAccessBlock", "PutBucketPublicAccessBlock"]}}]}
      )
    }
    "stockade-repair-events-5" = {
      description = "Feeds Stockade: access-key-leaked, cloudtrail-stopped, s3-account-public-access, s3-bucket-public-access, stockade-tampered. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"$or": [{"source": ["aws.sqs"], "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["sqs.amazonaws.com"], "eventName": ["DeleteQueue", "PurgeQueue"],
        "errorCode": [{"exists": false}], "requestParameters": {"queueUrl": [{"wildcard": "*stockade-*"}]}}},
        {"source": ["aws.health"], "detail-type": ["AWS Health Abuse Event", "AWS Health Event"],
        "detail": {"eventTypeCode": ["AWS_RISK_CREDENTIALS_COMPROMISED", "AWS_RISK_CREDENTIALS_EXPOSED",
        "AWS_RISK_IAM_QUARANTINE"]}}, {"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"],
        "detail": {"service": {"archived": [false]}, "type": ["AttackSequence:IAM/CompromisedCredentials",
        "Policy:S3/AccountBlockPublicAccessDisabled", "Policy:S3/BucketBlockPublicAccessDisabled",
        "Stealth:IAMUser/CloudTrailLoggingDisabled", "UnauthorizedAccess:IAMUser/TorIPCaller", {"prefix": "PenTest:IAMUser/"},
        {"prefix": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration"},
        {"prefix": "UnauthorizedAccess:IAMUser/MaliciousIPCaller"}]}}]}
      )
    }
    "stockade-repair-events-6" = {
      description = "Feeds Stockade: cloudtrail-stopped, cloudtrail-weakened, ebs-snapshot-shared, guardduty-weakened, kms-key-disabled, s3-account-public-access, s3-bucket-public-access, security-group-open. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"$or": [{"source": ["aws.config"], "detail-type": ["Config Rules Compliance Change"],
        "detail": {"configRuleName": [{"prefix": "cloud-trail-cloud-watch-logs-enabled"},
        {"prefix": "cloud-trail-encryption-enabled"}, {"prefix": "cloud-trail-log-file-validation-enabled"},
        {"prefix": "cloudtrail-enabled"}, {"prefix": "ebs-snapshot-public-restorable-check"},
        {"prefix": "guardduty-enabled-centralized"}, {"prefix": "kms-cmk-not-scheduled-for-deletion"},
        {"prefix": "multi-region-cloud-trail-enabled"}, {"prefix": "multi-region-cloudtrail-enabled"},
        {"prefix": "restricted-common-ports"}, {"prefix": "restricted-ssh"}, {"prefix": "s3-account-level-public-access-blocks"},
        {"prefix": "s3-bucket-level-public-access-prohibited"}, {"prefix": "securityhub-cloud-trail-cloud-watch-logs-enabled"},
        {"prefix": "securityhub-cloud-trail-encryption-enabled"},
        {"prefix": "securityhub-cloud-trail-log-file-validation-enabled"}, {"prefix": "securityhub-cloudtrail-enabled"},
        {"prefix": "securityhub-ebs-snapshot-public-restorable-check"}, {"prefix": "securityhub-guardduty-enabled-centralized"},
        {"prefix": "securityhub-kms-cmk-not-scheduled-for-deletion"}, {"prefix": "securityhub-multi-region-cloud-trail-enabled"},
        {"prefix": "securityhub-multi-region-cloudtrail-enabled"}, {"prefix": "securityhub-restricted-common-ports"},
        {"prefix": "securityhub-restricted-ssh"}, {"prefix": "securityhub-s3-account-level-public-access-blocks"},
        {"prefix": "securityhub-s3-bucket-level-public-access-prohibited"},
        {"prefix": "securityhub-vpc-sg-open-only-to-authorized-ports"}, {"prefix": "vpc-sg-open-only-to-authorized-ports"}],
        "messageType": ["ComplianceChangeNotification"], "newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]}}},
        {"source": ["aws.securityhub"], "detail-type": ["Security Hub Findings - Imported"],
        "detail": {"findings": {"Compliance": {"SecurityControlId": ["CloudTrail.1", "CloudTrail.2", "CloudTrail.3",
        "CloudTrail.4", "CloudTrail.5", "EC2.1", "EC2.13", "EC2.14", "EC2.18", "EC2.19", "GuardDuty.1", "KMS.3", "S3.1", "S3.8"],
        "Status": ["FAILED"]}, "RecordState": ["ACTIVE"], "Workflow": {"Status": ["NEW"]}}}}]}
      )
    }
  }
  watch_rules = {
    "stockade-watch-events-1" = {
      description = "Feeds Stockade: ami-shared, config-recorder-stopped, ec2-guardrail-removed, flow-logs-deleted, image-repository-public, imds-v1-allowed. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.ec2"], "detail": {"eventSource": ["ec2.amazonaws.com"],
        "$or": [{"eventName": ["ModifyImageAttribute"],
        "requestParameters": {"launchPermission": {"add": {"items": {"$or": [{"group": ["all"]},
        {"organizationArn": [{"exists": true}]}, {"organizationalUnitArn": [{"exists": true}]},
        {"userId": [{"exists": true}]}]}}}}}, {"eventName": ["DeleteFlowLogs", "DisableEbsEncryptionByDefault",
        "DisableImageBlockPublicAccess", "DisableSnapshotBlockPublicAccess", "EnableSerialConsoleAccess"]},
        {"eventName": ["ModifyInstanceMetadataOptions"],
        "requestParameters": {"ModifyInstanceMetadataOptionsRequest": {"HttpTokens": ["optional"]}}},
        {"eventName": ["RunInstances"], "requestParameters": {"metadataOptions": {"httpTokens": ["optional"]}}},
        {"eventName": ["RunInstances"],
        "responseElements": {"instancesSet": {"items": {"metadataOptions": {"httpTokens": ["optional"]}}}}}]}},
        {"source": ["aws.config"], "detail": {"eventSource": ["config.amazonaws.com"], "$or": [{"eventName": ["DeleteConfigRule",
        "DeleteConfigurationRecorder", "DeleteDeliveryChannel", "DeleteEvaluationResults", "StopConfigurationRecorder"]},
        {"eventName": ["PutConfigurationRecorder"],
        "requestParameters": {"configurationRecorder": {"recordingGroup": {"allSupported": [false]}}}},
        {"eventName": ["PutConfigurationRecorder"],
        "requestParameters": {"configurationRecorder": {"recordingGroup": {"exclusionByResourceTypes": {"resourceTypes": [{"exists": true}]}}}}},
        {"eventName": ["PutConfigurationRecorder"],
        "requestParameters": {"configurationRecorder": {"recordingGroup": {"resourceTypes": [{"exists": true}]}}}}]}},
        {"source": ["aws.ecr"], "detail": {"eventSource": ["ecr.amazonaws.com"], "eventName": ["SetRepositoryPolicy"],
        "requestParameters": {"$or": [{"policyText": [{"exists": true}]}, {"policyText": {"Statement": {"Effect": ["Allow"],
        "Principal": ["*"]}}}, {"policyText": {"Statement": {"Effect": ["Allow"], "Principal": {"AWS": ["*"]}}}}]}}}]}
      )
    }
    "stockade-watch-events-2" = {
      description = "Feeds Stockade: admin-granted, log-bucket-tampered, s3-bucket-public. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.s3"], "detail": {"eventSource": ["s3.amazonaws.com"], "eventName": ["PutBucketAcl",
        "PutObjectAcl"], "requestParameters": {"$or": [{"accessControlList": {"x-amz-acl": ["authenticated-read", "public-read",
        "public-read-write"]}}, {"accessControlList": {"x-amz-grant-full-control": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}},
        {"accessControlList": {"x-amz-grant-read": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}},
        {"accessControlList": {"x-amz-grant-read-acp": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}},
        {"accessControlList": {"x-amz-grant-write": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}},
        {"accessControlList": {"x-amz-grant-write-acp": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}}, {"x-amz-acl": ["authenticated-read", "public-read",
        "public-read-write"]}, {"x-amz-grant-full-control": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}, {"x-amz-grant-read": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}, {"x-amz-grant-read-acp": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}, {"x-amz-grant-write": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}, {"x-amz-grant-write-acp": [{"wildcard": "*/global/AllUsers*"},
        {"wildcard": "*/global/AuthenticatedUsers*"}]}]}}}, {"source": ["aws.s3"], "detail": {"eventSource": ["s3.amazonaws.com"],
        "eventName": ["PutBucketLifecycle", "PutBucketLifecycleConfiguration"],
        "requestParameters": {"LifecycleConfiguration": {"Rule": {"Expiration": {"$or": [{"Date": [{"exists": true}]},
        {"Days": [{"numeric": ["<", 90]}]}]}, "Status": ["Enabled"]}}}}}, {"source": ["aws.iam"],
        "detail": {"eventSource": ["iam.amazonaws.com"], "eventName": ["AddUserToGroup"],
        "requestParameters": {"groupName": [{"wildcard": "*ADMIN*"}, {"wildcard": "*Admin*"}]}}}]}
      )
    }
    "stockade-watch-events-3" = {
      description = "Feeds Stockade: admin-granted, dns-logging-stopped, log-bucket-tampered, log-group-tampered, organization-left, rds-public, rds-snapshot-shared, role-trust-changed, s3-bucket-public. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.rds"], "detail": {"eventSource": ["rds.amazonaws.com"],
        "$or": [{"eventName": ["CreateDBInstance", "CreateDBInstanceReadReplica", "ModifyDBInstance",
        "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceFromS3", "RestoreDBInstanceToPointInTime"],
        "requestParameters": {"publiclyAccessible": [true]}}, {"eventName": ["CreateDBInstance", "CreateDBInstanceReadReplica",
        "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceFromS3", "RestoreDBInstanceToPointInTime"],
        "responseElements": {"publiclyAccessible": [true]}}, {"eventName": ["ModifyDBClusterSnapshotAttribute",
        "ModifyDBSnapshotAttribute"], "requestParameters": {"attributeName": ["restore"], "valuesToAdd": [{"exists": true}]}}]}},
        {"source": ["aws.s3"], "detail": {"eventSource": ["s3.amazonaws.com"], "$or": [{"eventName": ["DeleteBucket",
        "DeleteBucketEncryption", "DeleteBucketPolicy"]}, {"eventName": ["PutBucketAcl", "PutObjectAcl"],
        "requestParameters": {"AccessControlPolicy": {"AccessControlList": {"Grant": {"Grantee": {"URI": [{"suffix": "/global/AllUsers"},
        {"suffix": "/global/AuthenticatedUsers"}]}}}}}}]}}, {"source": ["aws.iam"],
        "detail": {"eventSource": ["iam.amazonaws.com"], "eventName": ["AddUserToGroup"],
        "requestParameters": {"groupName": [{"wildcard": "*admin*"}]}}}, {"source": ["aws.logs"],
        "detail": {"eventSource": ["logs.amazonaws.com"], "eventName": ["PutRetentionPolicy"],
        "requestParameters": {"retentionInDays": [{"numeric": ["<", 90]}]}}}, {"source": ["aws.organizations"],
        "detail": {"eventSource": ["organizations.amazonaws.com"], "eventName": ["DeletePolicy", "DetachPolicy",
        "DisablePolicyType", "LeaveOrganization", "RemoveAccountFromOrganization"]}}, {"source": ["aws.rolesanywhere"],
        "detail": {"eventSource": ["rolesanywhere.amazonaws.com"], "eventName": ["CreateProfile", "CreateTrustAnchor"]}},
        {"source": ["aws.route53resolver"], "detail": {"eventSource": ["route53resolver.amazonaws.com"],
        "eventName": ["DeleteResolverQueryLogConfig", "DisassociateResolverQueryLogConfig"]}}]}
      )
    }
    "stockade-watch-events-4" = {
      description = "Feeds Stockade: access-key-for-another, admin-granted, kms-key-public, lambda-public, log-group-tampered, login-profile-changed, mfa-removed, password-policy-changed, role-trust-changed. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.iam"], "detail": {"eventSource": ["iam.amazonaws.com"], "$or": [{"eventName": ["AddUserToGroup"],
        "requestParameters": {"groupName": [{"wildcard": "*ower*ser*"}, {"wildcard": "*root*"}]}},
        {"eventName": ["AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy"],
        "requestParameters": {"policyArn": [{"suffix": ":policy/AdministratorAccess"}, {"suffix": ":policy/IAMFullAccess"},
        {"suffix": ":policy/PowerUserAccess"}]}}, {"eventName": ["CreateAccessKey", "UpdateLoginProfile"],
        "requestParameters": {"userName": [{"exists": true}]}}, {"eventName": ["CreateLoginProfile",
        "CreateOpenIDConnectProvider", "CreateSAMLProvider", "DeactivateMFADevice", "DeleteAccountPasswordPolicy",
        "DeleteVirtualMFADevice", "SetDefaultPolicyVersion", "UpdateAccountPasswordPolicy",
        "UpdateOpenIDConnectProviderThumbprint", "UpdateSAMLProvider"]}, {"eventName": ["CreatePolicy", "CreatePolicyVersion",
        "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy", "UpdateAssumeRolePolicy"],
        "requestParameters": {"policyDocument": [{"exists": true}]}}, {"eventName": ["CreateRole"],
        "requestParameters": {"assumeRolePolicyDocument": [{"exists": true}]}}]}}, {"source": ["aws.kms"],
        "detail": {"eventSource": ["kms.amazonaws.com"], "eventName": ["PutKeyPolicy"],
        "requestParameters": {"$or": [{"policy": {"Statement": {"Effect": ["Allow"], "$or": [{"Principal": ["*"]},
        {"Principal": {"AWS": ["*"]}}]}}}, {"policy": [{"exists": true}]}]}}}, {"source": ["aws.lambda"],
        "detail": {"eventSource": ["lambda.amazonaws.com"], "$or": [{"eventName": ["AddPermission", "AddPermission20150331",
        "AddPermission20150331v2", {"prefix": "AddLayerVersionPermission"}], "requestParameters": {"principal": ["*"]}},
        {"eventName": [{"prefix": "CreateFunctionUrlConfig"}, {"prefix": "UpdateFunctionUrlConfig"}],
        "requestParameters": {"authType": ["NONE"]}}]}}, {"source": ["aws.logs"],
        "detail": {"eventSource": ["logs.amazonaws.com"], "eventName": ["DeleteLogGroup", "DeleteLogStream",
        "DeleteSubscriptionFilter", "DisassociateKmsKey"]}}]}
      )
    }
    "stockade-watch-events-5" = {
      description = "Feeds Stockade: log-bucket-tampered, queue-public, s3-bucket-public, secret-public, securityhub-weakened, topic-public. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": {"errorCode": [{"exists": false}]},
        "$or": [{"source": ["aws.s3"], "detail": {"eventSource": ["s3.amazonaws.com"], "$or": [{"eventName": ["PutBucketLogging"],
        "requestParameters": {"bucketName": [{"exists": true}]}}, {"eventName": ["PutBucketPolicy"],
        "requestParameters": {"bucketPolicy": {"Statement": {"Effect": ["Allow"], "Principal": ["*"]}}}},
        {"eventName": ["PutBucketPolicy"], "requestParameters": {"bucketPolicy": {"Statement": {"Effect": ["Allow"],
        "Principal": {"AWS": ["*"]}}}}}, {"eventName": ["PutBucketVersioning"],
        "requestParameters": {"VersioningConfiguration": {"MfaDelete": ["Disabled"]}}}, {"eventName": ["PutBucketVersioning"],
        "requestParameters": {"VersioningConfiguration": {"Status": [{"anything-but": "Enabled"}]}}}]}},
        {"source": ["aws.secretsmanager"], "detail": {"eventSource": ["secretsmanager.amazonaws.com"],
        "eventName": ["PutResourcePolicy"], "requestParameters": {"$or": [{"resourcePolicy": [{"exists": true}]},
        {"resourcePolicy": {"Statement": {"Effect": ["Allow"], "Principal": ["*"]}}},
        {"resourcePolicy": {"Statement": {"Effect": ["Allow"], "Principal": {"AWS": ["*"]}}}}]}}}, {"source": ["aws.securityhub"],
        "detail": {"eventSource": ["securityhub.amazonaws.com"], "$or": [{"eventName": ["BatchDisableStandards", "DeleteMembers",
        "DisableSecurityHub", "DisassociateFromAdministratorAccount"]}, {"eventName": ["UpdateStandardsControl"],
        "requestParameters": {"ControlStatus": ["DISABLED"]}}, {"eventName": ["UpdateStandardsControl"],
        "requestParameters": {"controlStatus": ["DISABLED"]}}]}}, {"source": ["aws.sns"],
        "detail": {"eventSource": ["sns.amazonaws.com"], "$or": [{"eventName": ["AddPermission"]},
        {"eventName": ["SetTopicAttributes"], "requestParameters": {"attributeName": ["Policy"],
        "attributeValue": [{"exists": true}]}}]}}, {"source": ["aws.sqs"], "detail": {"eventSource": ["sqs.amazonaws.com"],
        "$or": [{"eventName": ["AddPermission"]}, {"eventName": ["SetQueueAttributes"],
        "requestParameters": {"attributes": {"Policy": [{"exists": true}]}}}]}}]}
      )
    }
    "stockade-watch-events-6" = {
      description = "Feeds Stockade: admin-granted, console-login-failures, console-login-failures-user, console-login-without-mfa, console-logins-worldwide, document-public, ec2-compromised, log-bucket-tampered, password-policy-changed, queue-public, role-trust-changed, root-use, s3-bucket-public, waf-weakened. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"$or": [{"detail": {"errorCode": [{"exists": false}]}, "$or": [{"detail-type": ["AWS API Call via CloudTrail"],
        "$or": [{"source": ["aws.sqs"], "detail": {"eventSource": ["sqs.amazonaws.com"], "eventName": ["SetQueueAttributes"],
        "requestParameters": {"attributes": {"Policy": {"Statement": {"Effect": ["Allow"], "$or": [{"Principal": ["*"]},
        {"Principal": {"AWS": ["*"]}}]}}}}}}, {"source": ["aws.ssm"], "detail": {"eventSource": ["ssm.amazonaws.com"],
        "eventName": ["ModifyDocumentPermission"], "requestParameters": {"accountIdsToAdd": ["All", "all"]}}},
        {"source": ["aws.sts"], "detail": {"eventSource": ["sts.amazonaws.com"], "eventName": ["GetFederationToken"],
        "userIdentity": {"type": ["IAMUser", "Root"]}}}, {"source": ["aws.wafv2"],
        "detail": {"eventSource": ["wafv2.amazonaws.com"], "eventName": ["DeleteLoggingConfiguration", "DeleteWebACL",
        "DisassociateWebACL"]}}]}, {"source": ["aws.signin"], "detail-type": ["AWS Console Sign In via CloudTrail",
        "AWS Console Signin via CloudTrail"], "detail": {"eventSource": ["signin.amazonaws.com"], "eventName": ["ConsoleLogin"],
        "additionalEventData": {"MFAUsed": ["No"]}, "responseElements": {"ConsoleLogin": ["Success"]},
        "userIdentity": {"type": ["IAMUser"]}}}]}, {"source": ["aws.signin"],
        "detail-type": ["AWS Console Sign In via CloudTrail", "AWS Console Signin via CloudTrail"],
        "detail": {"eventSource": ["signin.amazonaws.com"], "eventName": ["ConsoleLogin"],
        "responseElements": {"ConsoleLogin": ["Failure"]}}}, {"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"],
        "detail": {"service": {"archived": [false]}, "type": ["Policy:IAMUser/RootCredentialUsage",
        "Policy:S3/BucketAnonymousAccessGranted", "Policy:S3/BucketPublicAccessGranted",
        "PrivilegeEscalation:IAMUser/AnomalousBehavior", "Stealth:IAMUser/PasswordPolicyChange",
        "Stealth:S3/ServerAccessLoggingDisabled", "UnauthorizedAccess:EC2/MetadataDNSRebind", "UnauthorizedAccess:EC2/TorClient",
        "UnauthorizedAccess:EC2/TorRelay", "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B", {"prefix": "Backdoor:EC2/"},
        {"prefix": "CryptoCurrency:EC2/"}, {"prefix": "Execution:EC2/"}, {"prefix": "Impact:EC2/"}, {"prefix": "Trojan:EC2/"}]}}]}
      )
    }
    "stockade-watch-events-7" = {
      description = "Feeds Stockade: admin-granted, ec2-compromised, ec2-guardrail-removed, flow-logs-deleted, guardduty-bruteforce, imds-v1-allowed, lambda-public, mfa-removed, password-policy-changed, rds-public, rds-snapshot-shared, s3-bucket-public, securityhub-weakened. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"$or": [{"source": ["aws.config"], "detail-type": ["Config Rules Compliance Change"],
        "detail": {"configRuleName": [{"prefix": "ec2-ebs-encryption-by-default"}, {"prefix": "ec2-imdsv2-check"},
        {"prefix": "iam-password-policy"}, {"prefix": "iam-policy-no-statements-with-admin-access"},
        {"prefix": "iam-root-access-key-check"}, {"prefix": "lambda-function-public-access-prohibited"},
        {"prefix": "mfa-enabled-for-iam-console-access"}, {"prefix": "rds-instance-public-access-check"},
        {"prefix": "rds-snapshots-public-prohibited"}, {"prefix": "root-account-mfa-enabled"},
        {"prefix": "s3-bucket-public-read-prohibited"}, {"prefix": "s3-bucket-public-write-prohibited"},
        {"prefix": "securityhub-ec2-ebs-encryption-by-default"}, {"prefix": "securityhub-ec2-imdsv2-check"},
        {"prefix": "securityhub-enabled"}, {"prefix": "securityhub-iam-password-policy"},
        {"prefix": "securityhub-iam-policy-no-statements-with-admin-access"}, {"prefix": "securityhub-iam-root-access-key-check"},
        {"prefix": "securityhub-lambda-function-public-access-prohibited"},
        {"prefix": "securityhub-mfa-enabled-for-iam-console-access"}, {"prefix": "securityhub-rds-instance-public-access-check"},
        {"prefix": "securityhub-rds-snapshots-public-prohibited"}, {"prefix": "securityhub-root-account-mfa-enabled"},
        {"prefix": "securityhub-s3-bucket-public-read-prohibited"}, {"prefix": "securityhub-s3-bucket-public-write-prohibited"},
        {"prefix": "securityhub-securityhub-enabled"}, {"prefix": "securityhub-vpc-flow-logs-enabled"},
        {"prefix": "vpc-flow-logs-enabled"}], "messageType": ["ComplianceChangeNotification"],
        "newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]}}}, {"source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"], "detail": {"service": {"archived": [false], "resourceRole": ["ACTOR", "TARGET"]},
        "type": ["Impact:EC2/WinRMBruteForce", "Recon:EC2/PortProbeUnprotectedPort", "UnauthorizedAccess:EC2/RDPBruteForce",
        "UnauthorizedAccess:EC2/SSHBruteForce"]}}]}
      )
    }
    "stockade-watch-events-8" = {
      description = "Feeds Stockade: admin-granted, config-recorder-stopped, ec2-guardrail-removed, flow-logs-deleted, imds-v1-allowed, lambda-public, mfa-removed, password-policy-changed, rds-public, rds-snapshot-shared, s3-bucket-public. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED"
      pattern = jsonencode(
        {"source": ["aws.securityhub"], "detail-type": ["Security Hub Findings - Imported"],
        "detail": {"findings": {"Compliance": {"SecurityControlId": ["Config.1", "EC2.6", "EC2.7", "EC2.8", "IAM.1", "IAM.4",
        "IAM.5", "IAM.6", "IAM.7", "IAM.9", "Lambda.1", "RDS.1", "RDS.2", "S3.2", "S3.3"], "Status": ["FAILED"]},
        "RecordState": ["ACTIVE"], "Workflow": {"Status": ["NEW"]}}}}
      )
    }
    "stockade-watch-reads-1" = {
      description = "Feeds Stockade: root-use. Wider than the rules: what EventBridge cannot say is left to Stockade"
      state       = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
      pattern = jsonencode(
        {"source": [{"prefix": "aws."}], "detail": {"eventType": [{"anything-but": "AwsServiceEvent"}],
        "userIdentity": {"invokedBy": [{"exists": false}], "type": ["Root"]}}}
      )
    }
  }
  # end
}
