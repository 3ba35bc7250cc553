# Every data set, once, to one verified file: found, downloaded, or a stand-in that says so.


rule dataset:
    output:
        f"{RESULTS}/data/{{dataset}}-{{classes}}.npz",
    log:
        f"{RESULTS}/logs/data/{{dataset}}-{{classes}}.log",
    params:
        options=lambda wildcards: experiments.data_options(
            config, wildcards.dataset, wildcards.classes
        ),
        found=lambda wildcards: configuration.data_found(wildcards.dataset),
        code=configuration.code("data"),
    message:
        "data: {wildcards.dataset}, classes {wildcards.classes}"
    shell:
        "normplace data {params.options} --output {output} 2>&1 | tee {log}"
