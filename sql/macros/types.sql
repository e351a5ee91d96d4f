{# The types of columns, as casts name them. #}
{% macro text_type() -%}
    {{ adapter.dispatch('type_of', 'mmm')('varchar') }}
{%- endmacro %}

{% macro double_type() -%}
    {{ adapter.dispatch('type_of', 'mmm')('double precision') }}
{%- endmacro %}

{# A time without a time zone, UTC by agreement. #}
{% macro time_type() -%}
    {{ adapter.dispatch('type_of', 'mmm')('timestamp') }}
{%- endmacro %}


{# What the contracts call a type, as the database calls it. #}
{% macro default__type_of(name) -%}
    {{ name }}
{%- endmacro %}

{# There, a timestamp is a moment, and a time without a time zone a datetime. #}
{% macro bigquery__type_of(name) -%}
    {{ {'varchar': 'string', 'double precision': 'float64', 'timestamp': 'datetime'}.get(name, name) }}
{%- endmacro %}


{#
    dbt's own macros for contracts on BigQuery, whose types have other names than the contracts
    give. Another project finds them by its `dispatch`: docs/bigquery.md.
#}
{% macro bigquery__get_empty_schema_sql(columns) -%}
    {{ return(dbt.default__get_empty_schema_sql(mmm.columns_of_bigquery(columns))) }}
{%- endmacro %}

{% macro bigquery__get_table_columns_and_constraints() -%}
    {%- set columns = mmm.columns_of_bigquery(model['columns']) -%}
    (
        {{ adapter.render_raw_columns_constraints(raw_columns=columns) | join(',\n        ') }}
    )
{%- endmacro %}

{% macro columns_of_bigquery(columns) -%}
    {%- set typed = {} -%}
    {%- for name, column in columns.items() -%}
        {%- set type = mmm.bigquery__type_of(column.data_type) | trim -%}
        {%- do typed.update({name: dict(column, data_type=type)}) -%}
    {%- endfor -%}
    {{ return(typed) }}
{%- endmacro %}
