# Training runs, and their curves and milestones.


for cells in plan.trainings.rules:

    rule:
        name:
            cells.name
        input:
            plan.trainings.data,
        output:
            cells.output,
        log:
            f"<logs>/training/{cells.log}",
        wildcard_constraints:
            experiment=cells.experiment,
            group=cells.group,
        cache: True
        params:
            options=plan.trainings.options,
            points=plan.trainings.points,
            cells=cells.names,
            made_by=made_by("train"),
        message:
            "training: {wildcards}"
        shell:
            kept(
                "normplace train --dataset file:{input} {params.options} --cells {params.cells} --output $(dirname {output.sums})"
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
        inputs=plan.inputs,
        made_by=made_by("curves"),
    message:
        "summarising {wildcards.experiment}"
    shell:
        kept("normplace curves {input.rows} --output {params.folder}")
