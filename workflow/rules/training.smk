# Training runs, and their curves and milestones.


rule train:
    input:
        lambda wildcards: data_of(
            TRAININGS[wildcards.experiment][wildcards.name], "training"
        ),
    output:
        rows=f"{RESULTS}/training/{{experiment}}/{{name}}.csv",
        config=f"{RESULTS}/training/{{experiment}}/{{name}}.json",
        sums=f"{RESULTS}/training/{{experiment}}/{{name}}.sha256",
    log:
        f"{RESULTS}/logs/training/{{experiment}}/{{name}}.log",
    cache: True
    params:
        options=lambda wildcards: TRAININGS[wildcards.experiment][
            wildcards.name
        ].options,
        code=configuration.code("train"),
        versions=VERSIONS,
    message:
        "training: {wildcards.experiment} {wildcards.name}"
    shell:
        "normplace train --dataset file:{input} {params.options} --output {output.rows} > {log} 2>&1 "
        "&& python -m study.cache {output}"


rule curves:
    input:
        lambda wildcards: expand(
            f"{RESULTS}/training/{{training}}.{{suffix}}",
            training=experiments.trained(config, wildcards.experiment),
            suffix=["csv", "json"],
        ),
    output:
        multiext(
            f"{RESULTS}/tidy/{{experiment}}/",
            "curves.csv",
            "milestones.csv",
            "tables.sha256",
        ),
    log:
        f"{RESULTS}/logs/tidy/{{experiment}}.log",
    cache: True
    params:
        rows=lambda wildcards, input: [path for path in input if path.endswith(".csv")],
        folder=lambda wildcards, output: str(Path(output[0]).parent),
        code=configuration.code("curves"),
        versions=VERSIONS,
    message:
        "summarising {wildcards.experiment}"
    shell:
        "normplace curves {params.rows} --output {params.folder} > {log} 2>&1 "
        "&& python -m study.cache {output}"
