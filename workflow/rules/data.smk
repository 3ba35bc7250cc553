# Every data set, once, to one verified file: found, downloaded, or a stand-in that says so.


rule dataset:
    output:
        f"{RESULTS}/data/{{use}}/{{dataset}}-{{classes}}.npz",
    log:
        f"{RESULTS}/logs/data/{{use}}/{{dataset}}-{{classes}}.log",
    resources:
        download=1,  # one at a time: two jobs may want the same files
    params:
        options=lambda wildcards: experiments.data_options(
            config, wildcards.use, wildcards.dataset, wildcards.classes
        ),
        found=lambda wildcards: configuration.data_found(wildcards.dataset),
        code=configuration.code("data"),
    message:
        "data for {wildcards.use}: {wildcards.dataset}, classes {wildcards.classes}"
    shell:
        "normplace data {params.options} --output {output} 2>&1 | tee {log}"
