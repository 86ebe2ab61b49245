"""Puts lines into a stream of logs: endpoint, group, stream, lines."""

import sys
import time

import boto3

endpoint, group, stream, lines = sys.argv[1:]
logs = boto3.client("logs", "eu-west-1", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b")
logs.create_log_stream(logGroupName=group, logStreamName=stream)
now = int(time.time() * 1000) - 1000
events = [{"timestamp": now + at, "message": line} for at, line in enumerate(lines.split("\n"))]
logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
