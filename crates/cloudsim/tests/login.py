"""Prints the password that ECR gives out."""
import base64, sys
import boto3

endpoint, key, secret = sys.argv[1:4]
ecr = boto3.client("ecr", endpoint_url=endpoint, region_name="eu-test-1", aws_access_key_id=key,
                   aws_secret_access_key=secret)
print(ecr.create_repository(repositoryName="sampan/web")["repository"]["repositoryUri"], file=sys.stderr)
token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
print(base64.b64decode(token).decode().split(":", 1)[1])
