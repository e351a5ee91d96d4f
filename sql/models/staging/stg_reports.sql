{% set reports = var('input').reports -%}
with

raw_rows as (

    {% if reports -%}
        select
            {{ series_key(reports.series_column) }} as series_key,
            cast({{ quoted(reports.date_column) }} as varchar) as raw_date,
            trim(cast({{ quoted(reports.channel_column) }} as varchar)) as channel,
            cast({{ quoted(reports.spend_column) }} as varchar) as raw_value
        from {{ source('reports', 'ad_spend') }}
    {%- else -%}
        select
            cast(null as varchar) as series_key,
            cast(null as varchar) as raw_date,
            cast(null as varchar) as channel,
            cast(null as varchar) as raw_value
        where 1 = 0
    {%- endif %}

),

dated as (

    select
        *,
        {{ iso_date('raw_date') }} as written_day
    from raw_rows

)

select
    series_key,
    raw_date,
    {{ plausible_day('written_day') }} as observed_on,
    channel,
    raw_value,
    {{ finite_number('raw_value') }} as value
from dated
