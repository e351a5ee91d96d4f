with

publications as (

    select * from {{ source('mmm_results', 'mmm_publication') }}

)

select
    model_key,
    run_id,
    published_at as published_from,
    coalesce(
        lead(published_at) over (partition by model_key order by publication_id),
        cast('9999-12-31 00:00:00' as {{ time_type() }})
    ) as published_until
from publications
