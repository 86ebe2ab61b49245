"""Looks at a service with Kubernetes' client for Python: reads, lists, watches, and scales it to 3."""
import json
import sys

from kubernetes import client, config, watch

config.load_kube_config(sys.argv[1])
name = sys.argv[2]
apps, core = client.AppsV1Api(), client.CoreV1Api()
selector = f"sampan.service={name}"
deployment = apps.read_namespaced_deployment(name, "default")
pods = core.list_namespaced_pod("default", label_selector=selector).items
log = core.read_namespaced_pod_log(pods[0].metadata.name, "default", tail_lines=1)
scale = apps.read_namespaced_deployment_scale(name, "default")
service = core.read_namespaced_service(name, "default")
apps.patch_namespaced_deployment_scale(name, "default", {"spec": {"replicas": 3}})
seen = set()
stream = watch.Watch().stream(core.list_namespaced_pod, "default", label_selector=selector, timeout_seconds=20)
for event in stream:
    seen.add(event["object"].metadata.name)
    if len(seen) == 3:
        break
json.dump(
    {
        "fingerprint": deployment.spec.template.metadata.annotations["sampan.fingerprint"],
        "ready": deployment.status.ready_replicas,
        "pods": [pod.metadata.name for pod in pods],
        "log": log,
        "replicas": scale.spec.replicas,
        "port": service.spec.ports[0].port,
        "seen": len(seen),
    },
    sys.stdout,
)
