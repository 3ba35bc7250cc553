# Training runs, and their curves and milestones.


rule train:
    input:
        plan.trainings.data,
    output:
        rows="<results>/training/{experiment}/{group}/{cell}.csv",
        config="<results>/training/{experiment}/{group}/{cell}.json",
        sums="<results>/training/{experiment}/{group}/{cell}.sha256",
    log:
        "<logs>/training/{experiment}/{group}/{cell}.log",
    cache: True
    params:
        options=plan.trainings.options,
        made_by=made_by("train"),
    message:
        "training: {wildcards.experiment} {wildcards.group} {wildcards.cell}"
    shell:
        kept(
            "normplace train --dataset file:{input} {params.options} --output {output.rows}"
        )


rule curves:
    input:
        rows=plan.made_of("trainings", ".csv"),
        config=plan.made_of("trainings", ".json"),
    output:
        plan.tidy(jobs.CURVES),
    log:
        "<logs>/tidy/{experiment}.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.CURVES),
    cache: True
    params:
        folder=folder,
        made_by=made_by("curves"),
    message:
        "summarising {wildcards.experiment}"
    shell:
        kept("normplace curves {input.rows} --output {params.folder}")
