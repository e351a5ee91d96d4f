{% macro iso_weekday(name) -%}
    {{ [
        'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday',
    ].index(name) + 1 }}
{%- endmacro %}


{% macro week_start(day) -%}
    {{ day }} - (
        cast(extract(isodow from {{ day }}) as integer)
        - {{ iso_weekday(var('mmm_week_starts_on')) }} + 7
    ) % 7
{%- endmacro %}


{% macro weeks_between(first, last) -%}
    {{ adapter.dispatch('weeks_between', 'mmm')(first, last) }}
{%- endmacro %}

{% macro duckdb__weeks_between(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval '7 days')) as date)
{%- endmacro %}

{# Of timestamps without a time zone, for a summer time would move them by an hour. #}
{% macro postgres__weeks_between(first, last) -%}
    cast(
        generate_series(
            cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '7 days'
        ) as date
    )
{%- endmacro %}
