"""Reads manifests with PyYAML and the models of Kubernetes' client for Python; complains of every field that they lose."""
import json
import sys

import yaml
from kubernetes import client

api = client.ApiClient()
kinds = {
    "Deployment": "V1Deployment",
    "Service": "V1Service",
    "Secret": "V1Secret",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
}


class Answer:
    def __init__(self, value):
        self.data = json.dumps(value)


documents = list(yaml.safe_load_all(sys.stdin))
for document in documents:
    response = json.dumps(document)
    model = api.deserialize(response, kinds[document["kind"]], "application/json")
    again = api.sanitize_for_serialization(model)
    if again != document:
        sys.exit(f"{document['kind']}: {again} is not {document}")
json.dump(documents, sys.stdout)
