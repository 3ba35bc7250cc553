# Well-known models, untrained, as `normplace measure` sees them, and their tidy table.


rule measure:
    input:
        lambda wildcards: data_of(MEASUREMENTS[wildcards.model]),
    output:
        measured=f"{RESULTS}/zoo/{{model}}.json",
        picture=f"{RESULTS}/zoo/{{model}}.png",
        vector_picture=f"{RESULTS}/zoo/{{model}}.pdf",
        sums=f"{RESULTS}/zoo/{{model}}.sha256",
    log:
        f"{RESULTS}/logs/zoo/{{model}}.log",
    cache: True
    params:
        model=lambda wildcards: wildcards.model,  # a cached output's key has params, not wildcards
        options=lambda wildcards: MEASUREMENTS[wildcards.model].options,
        code=configuration.code("measure"),
        versions=VERSIONS,
    message:
        "measuring {wildcards.model}"
    shell:
        "normplace measure torchvision:{params.model} --dataset file:{input} {params.options} "
        "--output {output.measured} > {log} 2>&1 && python -m study.cache {output}"


rule measurements:
    input:
        expand(f"{RESULTS}/zoo/{{model}}.json", model=MEASUREMENTS),
    output:
        table=f"{RESULTS}/tidy/zoo/models.csv",
        sums=f"{RESULTS}/tidy/zoo/tables.sha256",
    log:
        f"{RESULTS}/logs/tidy/zoo.log",
    cache: True
    params:
        code=configuration.code("measurements"),
        versions=VERSIONS,
    message:
        "summarising the zoo"
    shell:
        "normplace measurements {input} --output {output.table} > {log} 2>&1 "
        "&& python -m study.cache {output}"
