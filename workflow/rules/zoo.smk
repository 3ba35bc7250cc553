# Well-known models, untrained, as `normplace measure` sees them, and their tidy table.


rule measure:
    input:
        plan.measurements.prepared,
    output:
        measured="<results>/{experiment}/{name}.json",
        picture="<results>/{experiment}/{name}.png",
        vector_picture="<results>/{experiment}/{name}.pdf",
        sums="<results>/{experiment}/{name}.sha256",
    log:
        "<logs>/{experiment}/{name}.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.MODELS),
    cache: True
    params:
        models=plan.measurements.models,
        dataset=plan.measurements.dataset,
        options=plan.measurements.options,
        points=plan.measurements.points,
        made_by=made_by("measure"),
    message:
        "measuring {wildcards.name}"
    shell:
        kept(
            "normplace measure {params.models} --dataset {params.dataset} {params.options} "
            "--output {output.measured}"
        )


rule measurements:
    input:
        plan.made_of("measurements", ".json"),
    output:
        table="<results>/tidy/{experiment}/models.csv",
        sums="<results>/tidy/{experiment}/tables.sha256",
    log:
        "<logs>/tidy/{experiment}.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.MODELS),
    cache: True
    params:
        inputs=plan.inputs,
        made_by=made_by("measurements"),
    message:
        "summarising {wildcards.experiment}"
    shell:
        kept("normplace measurements {input} --output {output.table}")
