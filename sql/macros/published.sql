{# The rows of a result table that belong to the published run of each model. #}
{% macro published(table) -%}
with

published as (

    select * from {{ ref('mmm_int_published_run') }}

),

result as (

    select * from {{ source('mmm_results', table) }}

)

select
    result.*,
    published.published_at
from result
inner join published
    on result.model_key = published.model_key
    and result.run_id = published.run_id
{%- endmacro %}
