{# The rows of a result table with the time in which readers saw them. #}
{% macro every_publication(table) -%}
with

intervals as (

    select * from {{ ref('mmm_int_publication_interval') }}

),

result as (

    select * from {{ source('mmm_results', table) }}

)

select
    result.*,
    intervals.published_from,
    intervals.published_until
from result
inner join intervals
    on result.model_key = intervals.model_key
    and result.run_id = intervals.run_id
{%- endmacro %}
