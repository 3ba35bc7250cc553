# Well-known models, untrained, as `normplace measure` sees them, and their tidy table.


rule measure:
    input:
        lambda wildcards: data_of(MEASUREMENTS[wildcards.model]),
    output:
        measured=f"{RESULTS}/zoo/{{model}}.json",
        pictures=multiext(f"{RESULTS}/zoo/{{model}}", ".png", ".pdf"),
    log:
        f"{RESULTS}/logs/zoo/{{model}}.log",
    params:
        options=lambda wildcards: MEASUREMENTS[wildcards.model].options,
        code=configuration.code("measure"),
    message:
        "measuring {wildcards.model}"
    shell:
        "normplace measure torchvision:{wildcards.model} --dataset file:{input} {params.options} "
        "--output {output.measured} > {log} 2>&1"


rule measurements:
    input:
        expand(f"{RESULTS}/zoo/{{model}}.json", model=MEASUREMENTS),
    output:
        f"{RESULTS}/tidy/zoo/models.csv",
    log:
        f"{RESULTS}/logs/tidy/zoo.log",
    params:
        code=configuration.code("measurements"),
    message:
        "summarising the zoo"
    shell:
        "normplace measurements {input} --output {output} > {log} 2>&1"
