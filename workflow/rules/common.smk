# What all rules share: the plan that follows from the configuration, and where everything is.
import json
import os
import sys
from pathlib import Path

# Where the Python of the study and of the figures is, for this process and for every job.
IMPORTED = [str(Path(workflow.basedir) / "workflow"), workflow.basedir]
sys.path[:0] = IMPORTED
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [*IMPORTED, os.getenv("PYTHONPATH")]))
)

from normplace import environment
from normplace.data.on_disk import IN_A_RUN, OFFLINE, default_data_roots
from normplace.files import check_writable
from normplace.progress import IN_LOG
from study import cache, configuration, data, jobs, one_run
from study.code import made_by
from study.one_line import or_one_line
from study.plan import Plan, claimed_tables, folder, kept, tidy_folder

environment.prepare()


def ours(path):
    """A file of the project, which need not be the working directory."""
    return os.path.relpath(Path(workflow.basedir) / path)


ENTRIES = workflow.config_settings.config_args or []
config = configuration.read(map(Path, workflow.configfiles), ENTRIES)
plan = Plan(config)
RESULTS = plan.results
LOOKING = one_run.only_looks(workflow)
CACHE = cache.prepare(LOOKING)
# What a job makes must not depend on a download: the key of its cached output does not say if there was one.
os.environ.setdefault(OFFLINE, IN_A_RUN)
os.environ[IN_LOG] = "1"


def say_stand_ins():
    print(data.stand_ins(config), end="", file=sys.stderr)


if workflow.is_main_process:
    with or_one_line("normplace", default_data_roots()[0]):
        data.find_all(config["datasets"])
    say_stand_ins()
    if LOOKING:
        cache.report(CACHE, RESULTS)
    else:
        with or_one_line("normplace", RESULTS):
            check_writable(Path(RESULTS) / "manifest.json", "output")
        held = one_run.hold_if_free()
        cache.clean(
            CACHE, RESULTS, *map(ours, ("figures", "src", "workflow", "claims.yaml"))
        )


# What Snakemake's report begins with: written by the rule that makes it, and before that a few words.
FRONT = f"{RESULTS}/tables/answer.rst"


report:
    os.path.abspath(
        FRONT if os.path.exists(FRONT) else ours("workflow/report/workflow.rst")
    )


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",


onsuccess:
    cache.protect(CACHE)
    say_stand_ins()


onerror:
    cache.protect(CACHE)
    say_stand_ins()


wildcard_constraints:
    experiment="[a-z_]+",
    cell="[a-z-]+",
