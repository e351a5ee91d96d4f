{% set raw = source('mmm_raw', 'weekly_media') -%}
{% set null_text = 'cast(null as ' ~ text_type() ~ ')' -%}
with

long as (

    {%- for input in var('mmm_inputs') %}
    {%- set input_number = loop.index %}
    {#- The first input's table is the source; the others have the same place in the lineage. #}
    {%- set relation = raw if loop.first else named_table(input) %}
    {%- set is_last_input = loop.last %}
    {%- for variable in input.variables %}

    select
        {{ input_number }} as input_number,
        {{ key_of(input.model_column, input.model_key) }} as model_key,
        {{ key_of(input.series_column, input.series_key) }} as series_key,
        cast({{ quoted(input.date_column) }} as {{ text_type() }}) as raw_date,
        {{ iso_text(quoted(input.date_column), input) }} as iso_text,
        {{ text_literal(variable.name) }} as variable,
        {{ text_literal(variable.role) }} as role,
        cast({{ quoted(variable.column) }} as {{ text_type() }}) as raw_value,
        {{ plain_number(quoted(variable.column), input) }} as plain_value,
        {{ text_literal(variable.equals) if 'equals' in variable else null_text }} as true_text
    from {{ rows_of(relation, input, input.model_column) }}

    {%- if not (loop.last and is_last_input) %}

    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}

),

dated as (

    select
        *,
        {{ iso_date('iso_text') }} as written_day
    from long

)

select
    input_number,
    model_key,
    series_key,
    raw_date,
    {{ plausible_day('written_day') }} as observed_on,
    variable,
    role,
    raw_value,
    case
        when true_text is null then {{ finite_number('plain_value') }}
        when {{ folded('raw_value') }} = {{ folded('true_text') }} then 1.0
        else 0.0
    end as value
from dated
