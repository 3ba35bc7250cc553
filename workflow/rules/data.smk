# Every data set, once, to one verified file: found, or a stand-in that says so.


rule dataset:
    output:
        data=f"{RESULTS}/data/{{use}}/{{dataset}}-{{classes}}.npz",
        sums=f"{RESULTS}/data/{{use}}/{{dataset}}-{{classes}}.sha256",
    log:
        f"{RESULTS}/logs/data/{{use}}/{{dataset}}-{{classes}}.log",
    cache: True
    params:
        options=lambda wildcards: experiments.data_options(
            config, wildcards.use, wildcards.dataset, wildcards.classes
        ),
        found=lambda wildcards: configuration.data_found(wildcards.dataset),
        code=configuration.code("data"),
        versions=VERSIONS,
    message:
        "data for {wildcards.use}: {wildcards.dataset}, classes {wildcards.classes}"
    shell:
        "normplace data {params.options} --output {output.data} 2>&1 | tee {log} "
        "&& python -m study.cache {output}"
