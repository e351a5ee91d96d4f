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
    {{ adapter.dispatch('days_after', 'mmm')(day, days) }}
{%- endmacro %}

{% macro default__days_after(day, days) -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}


{# There, the sum of a date and days is a time by way of dbt's own macro. #}
{% macro bigquery__days_after(day, days) -%}
    date_add({{ day }}, interval ({{ days }}) day)
{%- endmacro %}


{% macro days_between(first, last) -%}
    {{ adapter.dispatch('days_between', 'mmm')(first, last) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    {{ last }} - {{ first }}
{%- endmacro %}

{% macro bigquery__days_between(first, last) -%}
    date_diff({{ last }}, {{ first }}, day)
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


{# Sunday is the first day there. #}
{% macro bigquery__weekday_of(day) -%}
    (mod(extract(dayofweek from {{ day }}) + 5, 7) + 1)
{%- endmacro %}


{# Numbers from 1 to as many weeks as lie between the first and the last plausible day. #}
{% macro week_numbers() -%}
    {{ dbt.generate_series(5800) }}
{%- endmacro %}
