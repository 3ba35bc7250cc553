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


rule summarise:
    input:
        samples=lambda wildcards: expand(
            f"{RESULTS}/init/{{sample}}.npz",
            sample=experiments.summarised(config, wildcards.experiment),
        ),
        theory=lambda wildcards: expand(
            f"{RESULTS}/theory/{{theory}}.npz",
            theory=experiments.compared(config, wildcards.experiment),
        ),
    output:
        multiext(
            f"{RESULTS}/tidy/{{experiment}}/",
            "gamma.csv",
            "histograms.csv",
            "regimes.csv",
            "classes.csv",
        ),
    log:
        f"{RESULTS}/logs/tidy/{{experiment}}.log",
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
        bootstrap=config["bootstrap"],
        code=configuration.code("summarise"),
    message:
        "summarising {wildcards.experiment}"
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
