{% macro iso_weekday(name) -%}
    {{ [
        'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday',
    ].index(name) + 1 }}
{%- endmacro %}


{% macro week_start(day) -%}
    {{ days_after(day, '-mod(' ~ weekday_of(day) ~ ' - ' ~ iso_weekday(var('mmm_week_starts_on')) ~ ' + 7, 7)') }}
{%- endmacro %}


{# A day and a number of days that is a column's: only of literals does every database add it up. #}
{% macro days_after(day, days) -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}


{# The day of the week, from 1 for Monday. #}
{% macro weekday_of(day) -%}
    {{ adapter.dispatch('weekday_of', 'mmm')(day) }}
{%- endmacro %}

{% macro default__weekday_of(day) -%}
    cast(extract(isodow from {{ day }}) as integer)
{%- endmacro %}

{% macro snowflake__weekday_of(day) -%}
    dayofweekiso({{ day }})
{%- endmacro %}


{# Numbers from 1 to as many weeks as lie between the first and the last plausible day. #}
{% macro week_numbers() -%}
    {{ dbt.generate_series(5800) }}
{%- endmacro %}
