# Training runs, and their curves and milestones.


rule train:
    input:
        plan.trainings.data,
    output:
        rows="<results>/training/{experiment}/{name}.csv",
        config="<results>/training/{experiment}/{name}.json",
        sums="<results>/training/{experiment}/{name}.sha256",
    log:
        "<logs>/training/{experiment}/{name}.log",
    cache: True
    params:
        options=plan.trainings.options,
        made_by=made_by("train"),
    message:
        "training: {wildcards.experiment} {wildcards.name}"
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
