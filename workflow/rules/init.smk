# Initial guesses of sampled networks, and their tidy tables beside the theory.


rule sample:
    input:
        lambda wildcards: data_of(SAMPLES[wildcards.experiment][wildcards.name]),
    output:
        f"{RESULTS}/init/{{experiment}}/{{name}}.npz",
    log:
        f"{RESULTS}/logs/init/{{experiment}}/{{name}}.log",
    params:
        options=lambda wildcards: SAMPLES[wildcards.experiment][wildcards.name].options,
        code=configuration.code("sample"),
    message:
        "sampling networks: {wildcards.experiment} {wildcards.name}"
    shell:
        "normplace sample --dataset file:{input} {params.options} --output {output} > {log} 2>&1"


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
            multiext(f"{RESULTS}/tidy/{experiment}/", *TIDY[experiment]),
        log:
            f"{RESULTS}/logs/tidy/{experiment}.log",
        params:
            folder=lambda wildcards, output: Path(output[0]).parent,
            bootstrap=config["bootstrap"],
            code=configuration.code("summarise"),
            experiment=experiment,
        message:
            "summarising {params.experiment}"
        shell:
            "normplace summarise {input.samples} --theory {input.theory} --bootstrap {params.bootstrap} "
            "--output {params.folder} > {log} 2>&1"


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
        f"{RESULTS}/tidy/finite_width/first_order.csv",
    log:
        f"{RESULTS}/logs/tidy/finite_width.log",
    params:
        bootstrap=config["bootstrap"],
        code=configuration.code("finite_width"),
    message:
        "fitting the correction in depth / width"
    shell:
        "normplace finite-width {input.samples} --theory {input.theory} --bootstrap {params.bootstrap} "
        "--output {output} > {log} 2>&1"
