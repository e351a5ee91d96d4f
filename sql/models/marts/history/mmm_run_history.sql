with

runs as (

    select * from {{ source('mmm_results', 'mmm_run') }}

),

published as (

    select * from {{ ref('mmm_int_published_run') }}

)

select
    runs.*,
    published.run_id is not null as is_published
from runs
left join published
    on runs.model_key = published.model_key
    and runs.run_id = published.run_id
