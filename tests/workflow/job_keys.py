"""What Snakemake's cache knows each job of a checkout by, without running any: `python job_keys.py` in the checkout.

Each line of standard input names files of a configuration. The answer is one line of JSON: of each cached job its rule,
outputs, command, key, and the first outputs of the jobs whose files it reads. It is null where there are no jobs.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401  (like what follows: read once, for all answers)
import pydantic  # noqa: F401
from snakemake.api import SnakemakeApi
from snakemake.caching.hash import ProvenanceHashMap
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
    WorkflowSettings,
)


def jobs(files: list[str]) -> list[dict[str, Any]]:
    """The cached jobs of the default target."""
    output = OutputSettings(quiet={Quietness.ALL}, enable_file_logging=False)
    with SnakemakeApi(output) as api:
        cached = WorkflowSettings(cache=[])
        configuration = ConfigSettings(configfiles=[Path(file) for file in files])
        workflow = api.workflow(ResourceSettings(cores=1), configuration, workflow_settings=cached)._workflow
        workflow.dag_settings = DAGSettings(forceall=True)
        workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True, nolock=True)
        workflow._build_dag()
        keys, dag = ProvenanceHashMap(), workflow.dag
        return [
            {
                "rule": job.rule.name,
                "outputs": list(map(str, job.output)),
                "command": job.shellcmd,
                "key": workflow.async_run(keys.get_provenance_hash(job)),
                "upstream": sorted(str(other.output[0]) for other in dag.dependencies[job]),
            }
            for job in dag.jobs
            if job.rule.cache and job.rule.cache.output
        ]


if __name__ == "__main__":
    for line in sys.stdin:
        if os.fork() == 0:  # the checkout's own modules are read anew for each answer
            found = jobs(line.split())
            print(json.dumps(found), flush=True)
            os._exit(0)
        _, status = os.wait()
        if status:
            print("null", flush=True)
