"""What the schema cannot say of compose.yaml: containers that are not hardened, files that do not exist, ports open to others."""

import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).parent
# `up` makes it.
MADE = ["./state/public"]


def main():
    compose = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))
    findings = []
    for name, service in compose["services"].items():
        findings += [f"service {name}: {finding}" for finding in of_service(service, compose)]
    for finding in findings:
        print(f"compose.yaml: {finding}", file=sys.stderr)
    return 1 if findings else 0


def of_service(service, compose):
    if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"]:
        yield "its root is not read-only, or it keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []) or service.get("user", "0").startswith("0"):
        yield "it may gain privileges, or runs as root"
    if service.get("restart") != "no" and "healthcheck" not in service:
        yield "it has no healthcheck"
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            yield f"port {port} is open to other machines"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            if source not in MADE and not (HERE / source).exists():
                yield f"there is no {source}"
        elif source not in compose["volumes"]:
            yield f"there is no volume {source}"


if __name__ == "__main__":
    sys.exit(main())
