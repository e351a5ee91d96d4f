{% macro iso_weekday(name) -%}
    {{ [
        'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday',
    ].index(name) + 1 }}
{%- endmacro %}


{% macro week_start(day) -%}
    {{ day }} - cast(
        (extract(isodow from {{ day }}) - {{ iso_weekday(var('input').week_starts_on) }} + 7) % 7
        as integer
    )
{%- endmacro %}


{% macro weeks_between(first, last) -%}
    {{ adapter.dispatch('weeks_between')(first, last) }}
{%- endmacro %}

{% macro duckdb__weeks_between(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval '7 days')) as date)
{%- endmacro %}
