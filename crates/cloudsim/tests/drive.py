"""Drives the simulation with boto3: deploy, reach, scale, roll, roll back, read logs, delete."""
import json, socket, sys, threading, time
import urllib.request
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, key, secret, image = sys.argv[1:5]


def client(service, secret=secret):
    return boto3.client(service, endpoint_url=endpoint, region_name="eu-test-1", aws_access_key_id=key,
                        aws_secret_access_key=secret, config=Config(retries={"max_attempts": 1}))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} was expected")


def until(what, condition, seconds=90):
    end = time.time() + seconds
    while time.time() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}: {json.dumps(service(), default=str, indent=1)}")


ecs, elb, logs = client("ecs"), client("elbv2"), client("logs")
print(client("sts").get_caller_identity()["Arn"])
refused("SignatureDoesNotMatch", client("sts", "x" * 40).get_caller_identity)
refused("InvalidSignatureException", client("ecs", "x" * 40).list_clusters)
role = client("iam").create_role(RoleName="execution", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
subnets = [one["SubnetId"] for one in client("ec2").describe_subnets()["Subnets"]]
ecs.create_cluster(clusterName="sampan")
logs.create_log_group(logGroupName="/sampan/web")


def service():
    found = ecs.describe_services(cluster="sampan", services=["web"])["services"]
    return found[0] if found else {}


def define(text, healthy="true"):
    command = f"echo serving {text}; mkdir -p /w; echo {text} > /w/index.html; exec httpd -f -p 8080 -h /w"
    definition = ecs.register_task_definition(
        family="web", networkMode="awsvpc", cpu="256", memory="512", executionRoleArn=role,
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=[{
            "name": "web", "image": image, "command": ["sh", "-c", command], "stopTimeout": 2,
            "portMappings": [{"containerPort": 8080}],
            "healthCheck": {"command": ["CMD-SHELL", healthy], "interval": 5, "retries": 1, "timeout": 2},
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/sampan/web", "awslogs-region": "eu-test-1", "awslogs-stream-prefix": "s"}}}])
    return definition["taskDefinition"]["taskDefinitionArn"]


balancer = elb.create_load_balancer(Name="web", Type="network", Subnets=subnets)["LoadBalancers"][0]
group = elb.create_target_group(Name="web", Protocol="TCP", Port=8080, TargetType="ip", VpcId="vpc",
                                HealthCheckIntervalSeconds=5)["TargetGroups"][0]["TargetGroupArn"]
elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[
    {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}])
listener = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Port=18080, Protocol="TCP",
                               DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]
url = f"http://{balancer['DNSName']}:18080/"
ecs.create_service(
    cluster="sampan", serviceName="web", taskDefinition=define("one"), desiredCount=1, launchType="FARGATE",
    loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}],
    networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
    deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100,
                             "deploymentCircuitBreaker": {"enable": True, "rollback": True}})


def completed(tasks, definition=None):
    seen = service()
    first = seen["deployments"][0]
    return (len(seen["deployments"]) == 1 and first["rolloutState"] == "COMPLETED"
            and seen["runningCount"] == tasks and definition in (None, first["taskDefinition"]))


def get():
    return urllib.request.urlopen(url, timeout=10).read().decode().strip()


until("the first deployment", lambda: completed(1))
assert get() == "one", get()
print("deployed and reached")
ecs.update_service(cluster="sampan", service="web", desiredCount=2)
until("two healthy targets", lambda: [one["TargetHealth"]["State"] for one in elb.describe_target_health(
    TargetGroupArn=group)["TargetHealthDescriptions"]] == ["healthy"] * 2)
print("scaled")

seen, failed, stop = {}, [], threading.Event()


def load():
    while not stop.is_set():
        try:
            text = get()
            seen[text] = seen.get(text, 0) + 1
        except Exception as error:
            failed.append(repr(error))


threads = [threading.Thread(target=load) for _ in range(4)]
[thread.start() for thread in threads]
second = define("two")
ecs.update_service(cluster="sampan", service="web", taskDefinition=second)
until("the rolling update", lambda: completed(2, second))
bad = define("three", healthy="false")
ecs.update_service(cluster="sampan", service="web", taskDefinition=bad)
until("the circuit breaker's way back", lambda: completed(2, second) and any(
    "rolling back" in event["message"] for event in service()["events"]), 180)
stop.set()
[thread.join() for thread in threads]
print("requests", seen, "failed", len(failed), failed[:3])
assert not failed and seen["one"] and seen["two"] and "three" not in seen

lines = [event["message"] for event in logs.filter_log_events(logGroupName="/sampan/web")["events"]]
assert lines.count("serving one") == 2 and lines.count("serving two") == 2, lines
print("logs", len(lines))
refused("InvalidParameterException", ecs.delete_service, cluster="sampan", service="web")
ecs.delete_service(cluster="sampan", service="web", force=True)
until("the end of the service", lambda: service()["status"] == "INACTIVE")
elb.delete_listener(ListenerArn=listener["ListenerArn"])
elb.delete_target_group(TargetGroupArn=group)
elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
logs.delete_log_group(logGroupName="/sampan/web")
client("iam").delete_role(RoleName="execution")
ecs.delete_cluster(cluster="sampan")
print("deleted")
