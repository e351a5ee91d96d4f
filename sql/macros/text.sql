{# Column names come from people's spreadsheets: they hold spaces, dots and quotes. #}
{% macro quoted(identifier) -%}
    {{ adapter.quote(identifier | replace('"', '""')) }}
{%- endmacro %}


{% macro text_literal(text) -%}
    cast({{ dbt.string_literal(dbt.escape_single_quotes(text)) }} as varchar)
{%- endmacro %}


{# The calendar day as written: a time zone must not move a row into another week. #}
{% macro iso_date(text) -%}
    {{ adapter.dispatch('iso_date')(text) }}
{%- endmacro %}

{% macro duckdb__iso_date(text) -%}
    case
        when regexp_full_match(trim({{ text }}), '\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?')
            then try_cast(left(trim({{ text }}), 10) as date)
    end
{%- endmacro %}


{# A date far from any campaign, such as 9999-12-31, stands for one that is not known, and the weeks
   up to it would be millions of rows. #}
{% macro plausible_day(day) -%}
    case when {{ day }} between date '1990-01-01' and date '2099-12-31' then {{ day }} end
{%- endmacro %}


{# NaN and infinity are readable to a database, but not to a model. #}
{% macro finite_number(text) -%}
    {{ adapter.dispatch('finite_number')(text) }}
{%- endmacro %}

{% macro duckdb__finite_number(text) -%}
    case
        when isfinite(try_cast({{ text }} as double precision))
            then try_cast({{ text }} as double precision)
    end
{%- endmacro %}
