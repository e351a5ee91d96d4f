with

publications as (

    select * from {{ source('mmm_results', 'mmm_publication') }}

),

latest as (

    select
        model_key,
        max(publication_id) as publication_id
    from publications
    group by model_key

)

select
    publications.model_key,
    publications.run_id,
    publications.published_at
from publications
inner join latest
    on publications.model_key = latest.model_key
    and publications.publication_id = latest.publication_id
