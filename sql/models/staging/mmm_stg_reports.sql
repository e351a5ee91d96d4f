{% set raw = source('mmm_reports', 'ad_spend') -%}
with

raw_rows as (

    {%- for input in var('mmm_inputs') if input.reports %}
    {%- set reports = input.reports %}
    {%- set is_source = input == var('mmm_inputs')[0] %}

    select
        {{ text_literal(reports.schema ~ '.' ~ reports.table) }} as feed,
        {{ key_of(reports.model_column, input.model_key) }} as model_key,
        {{ key_of(reports.series_column, input.series_key) }} as series_key,
        cast({{ quoted(reports.date_column) }} as {{ text_type() }}) as raw_date,
        {{ iso_text(quoted(reports.date_column), input) }} as iso_text,
        trim(cast({{ quoted(reports.channel_column) }} as {{ text_type() }})) as channel,
        cast({{ quoted(reports.spend_column) }} as {{ text_type() }}) as raw_value,
        {{ plain_number(quoted(reports.spend_column), input) }} as plain_value
    from {{ rows_of(raw if is_source else named_table(reports), input, reports.model_column) }}

    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- else %}

    select
        cast(null as {{ text_type() }}) as feed,
        cast(null as {{ text_type() }}) as model_key,
        cast(null as {{ text_type() }}) as series_key,
        cast(null as {{ text_type() }}) as raw_date,
        cast(null as {{ text_type() }}) as iso_text,
        cast(null as {{ text_type() }}) as channel,
        cast(null as {{ text_type() }}) as raw_value,
        cast(null as {{ text_type() }}) as plain_value
    from (select 1 as one) as one_row
    where one = 0
    {%- endfor %}

),

dated as (

    select
        *,
        {{ iso_date('iso_text') }} as written_day
    from raw_rows

)

select
    feed,
    model_key,
    series_key,
    raw_date,
    {{ plausible_day('written_day') }} as observed_on,
    channel,
    raw_value,
    {{ finite_number('plain_value') }} as value
from dated
