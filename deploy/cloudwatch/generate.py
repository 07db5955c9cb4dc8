#!/usr/bin/env python3
"""Writes template.yaml from template.in.yaml and what `pingmesh --cloudwatch-dashboard` prints.

    generate.py build/pingmesh > template.yaml
"""
import os
import pathlib
import subprocess
import sys


def main(program):
    here = pathlib.Path(__file__).resolve().parent
    body = subprocess.run([program, "--cloudwatch-dashboard"], check=True, text=True,
                          capture_output=True,
                          env={**os.environ, "AWS_REGION": "PINGMESH-REGION"}).stdout
    # "${PROP(...)}" is CloudWatch's, and not for CloudFormation to fill in.
    body = body.replace("${", "${!").replace("PINGMESH-REGION", "${AWS::Region}")
    text = "# Made by deploy/cloudwatch/generate.py from template.in.yaml.\n" + \
        (here / "template.in.yaml").read_text()
    marker = "        @DASHBOARD@\n"
    assert text.count(marker) == 1
    sys.stdout.write(text.replace(marker, "".join(f"        {line}\n" for line in body.splitlines())))


if __name__ == "__main__":
    main(sys.argv[1])
