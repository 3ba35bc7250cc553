# Initial guesses of sampled networks, and their tidy tables beside the theory.


rule sample:
    input:
        lambda wildcards: data_of(SAMPLES[wildcards.experiment][wildcards.name]),
    output:
        samples=f"{RESULTS}/init/{{experiment}}/{{name}}.npz",
        sums=f"{RESULTS}/init/{{experiment}}/{{name}}.sha256",
    log:
        f"{RESULTS}/logs/init/{{experiment}}/{{name}}.log",
    cache: True
    params:
        options=lambda wildcards: SAMPLES[wildcards.experiment][wildcards.name].options,
        code=configuration.code("sample"),
        versions=VERSIONS,
    message:
        "sampling networks: {wildcards.experiment} {wildcards.name}"
    shell:
        "normplace sample --dataset file:{input} {params.options} --output {output.samples} > {log} 2>&1 "
        "&& python -m study.cache {output}"


for experiment in SAMPLES:

    rule:  # one rule an experiment, because its tables depend on how many classes it has
        name:
            f"summarise_{experiment}"
        input:
            samples=expand(
                f"{RESULTS}/init/{{sample}}.npz",
                sample=experiments.summarised(config, experiment),
            ),
            theory=expand(
                f"{RESULTS}/theory/{{theory}}.npz",
                theory=experiments.compared(config, experiment),
            ),
        output:
            multiext(
                f"{RESULTS}/tidy/{experiment}/", *TIDY[experiment], "tables.sha256"
            ),
        log:
            f"{RESULTS}/logs/tidy/{experiment}.log",
        cache: True
        params:
            folder=lambda wildcards, output: str(Path(output[0]).parent),
            bootstrap=config["bootstrap"],
            code=configuration.code("summarise"),
            versions=VERSIONS,
            experiment=experiment,
        message:
            "summarising {params.experiment}"
        shell:
            "normplace summarise {input.samples} --theory {input.theory} --bootstrap {params.bootstrap} "
            "--output {params.folder} > {log} 2>&1 && python -m study.cache {output}"


rule finite_width:
    input:
        samples=expand(
            f"{RESULTS}/init/{{sample}}.npz",
            sample=experiments.summarised(config, "width_convergence"),
        ),
        theory=expand(
            f"{RESULTS}/theory/{{theory}}.npz",
            theory=experiments.compared(config, "width_convergence"),
        ),
    output:
        table=f"{RESULTS}/tidy/finite_width/first_order.csv",
        sums=f"{RESULTS}/tidy/finite_width/tables.sha256",
    log:
        f"{RESULTS}/logs/tidy/finite_width.log",
    cache: True
    params:
        bootstrap=config["bootstrap"],
        code=configuration.code("finite_width"),
        versions=VERSIONS,
    message:
        "fitting the correction in depth / width"
    shell:
        "normplace finite-width {input.samples} --theory {input.theory} --bootstrap {params.bootstrap} "
        "--output {output.table} > {log} 2>&1 && python -m study.cache {output}"
