# Well-known models, untrained, as `normplace measure` sees them, and their tidy table.


rule measure:
    input:
        plan.measurements.data,
    output:
        measured="<results>/{experiment}/{model}.json",
        picture="<results>/{experiment}/{model}.png",
        vector_picture="<results>/{experiment}/{model}.pdf",
        sums="<results>/{experiment}/{model}.sha256",
    log:
        "<logs>/{experiment}/{model}.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.MODELS),
    cache: True
    params:
        model="{model}",
        options=plan.measurements.options,
        points=plan.measurements.points,
        made_by=made_by("measure"),
    message:
        "measuring {wildcards.model}"
    shell:
        kept(
            "normplace measure torchvision:{params.model} --dataset file:{input} {params.options} "
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
