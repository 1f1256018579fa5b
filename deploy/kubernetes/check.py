"""What schemas cannot say of a rendered overlay: references and patches that lead nowhere, and pods that the restricted profile would refuse."""

import sys

import yaml


def main(path, kustomization):
    with open(path, encoding="utf-8") as file:
        resources = [resource for resource in yaml.safe_load_all(file) if resource]
    findings = []
    names = {(resource["kind"], resource["metadata"]["name"]) for resource in resources}
    with open(kustomization, encoding="utf-8") as file:
        for patch in yaml.safe_load(file).get("patches", []):
            # Kustomize says nothing of a patch that hits nothing.
            if (patch["target"]["kind"], patch["target"]["name"]) not in names:
                findings.append(f"the patch of {patch['target']} hits nothing")
    workloads = [resource for resource in resources if resource["kind"] == "StatefulSet"]
    if len(workloads) != 1:
        findings.append(f"one StatefulSet expected, {len(workloads)} found")
    for workload in workloads:
        findings += of_pod(workload["spec"]["template"], workload["spec"]["selector"]["matchLabels"], names)
        findings += of_services(resources, workload["spec"]["template"])
        if ("Service", workload["spec"]["serviceName"]) not in names:
            findings.append(f"serviceName {workload['spec']['serviceName']}: no such Service")
    namespaces = {resource["metadata"].get("namespace") for resource in resources if resource["kind"] != "Namespace"}
    if len(namespaces) != 1 or ("Namespace", *namespaces) not in names:
        findings.append(f"everything must be in the one namespace that the overlay makes, not {namespaces}")
    for finding in findings:
        print(f"{path}: {finding}", file=sys.stderr)
    return 1 if findings else 0


def of_pod(template, selector, names):
    pod, labels = template["spec"], template["metadata"]["labels"]
    if not selector.items() <= labels.items():
        yield f"selector {selector} does not fit the pod's labels {labels}"
    for volume in pod["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            for kind, field in [("ConfigMap", "configMap"), ("Secret", "secret")]:
                if field in source and (kind, source[field]["name"]) not in names:
                    yield f"volume {volume['name']}: no {kind} {source[field]['name']}"
    context = pod["securityContext"]
    if not context.get("runAsNonRoot") or context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "the pod's securityContext is not the restricted profile's"
    for container in pod["containers"]:
        own = container["securityContext"]
        hardened = own.get("readOnlyRootFilesystem") and own.get("allowPrivilegeEscalation") is False
        if not hardened or own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"container {container['name']}: its securityContext is not the restricted profile's"
        ports = {port["name"] for port in container["ports"]}
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            if container[probe]["httpGet"]["port"] not in ports:
                yield f"container {container['name']}: {probe} asks a port that it does not have"


def of_services(resources, template):
    labels = template["metadata"]["labels"]
    ports = {port["name"] for container in template["spec"]["containers"] for port in container["ports"]}
    for service in resources:
        if service["kind"] != "Service":
            continue
        name = service["metadata"]["name"]
        if not service["spec"]["selector"].items() <= labels.items():
            yield f"Service {name} selects no pod"
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in ports:
                yield f"Service {name}: the pod has no port {port['targetPort']}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
