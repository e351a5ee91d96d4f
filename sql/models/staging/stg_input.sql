with

raw_rows as (

    select * from {{ source('raw', 'weekly_media') }}

),

long as (

    {%- for variable in var('input').variables %}

    select
        {{ series_key(var('input').series_column) }} as series_key,
        cast({{ quoted(var('input').date_column) }} as varchar) as raw_date,
        {{ text_literal(variable.name) }} as variable,
        {{ text_literal(variable.role) }} as role,
        cast({{ quoted(variable.column) }} as varchar) as raw_value,
        {% if variable.equals is defined -%}
            {{ text_literal(variable.equals) }}
        {%- else -%}
            cast(null as varchar)
        {%- endif %} as true_text
    from raw_rows

    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

dated as (

    select
        *,
        {{ iso_date('raw_date') }} as written_day
    from long

)

select
    series_key,
    raw_date,
    {{ plausible_day('written_day') }} as observed_on,
    variable,
    role,
    raw_value,
    case
        when true_text is null then {{ finite_number('raw_value') }}
        when raw_value = true_text then 1.0
        else 0.0
    end as value
from dated
