"""Makes a user who may do everything and prints the id and the secret of its key: endpoint."""

import json
import sys

import boto3

iam = boto3.client(
    "iam", "us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="b"
)
iam.create_user(UserName="sampan-test")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
arn = iam.create_policy(PolicyName="all", PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
iam.attach_user_policy(UserName="sampan-test", PolicyArn=arn)
key = iam.create_access_key(UserName="sampan-test")["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
